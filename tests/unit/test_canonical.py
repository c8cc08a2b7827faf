"""Our canonical JSON is that of RFC 8785 for what events hold: no floats, ASCII keys."""

import string
from datetime import UTC, datetime
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.canonical import GENESIS, canonical, event_hash, keyed_digest, personal_digest
from shared.contracts.catalogue import spec_of
from shared.contracts.event import Actor, NewEvent, Via
from shared.eventstore.ledger import Context, EventTooLargeError, link
from shared.eventstore.store import Head

SAFE = 2**53 - 1  # RFC 8785 (I-JSON) knows no larger integers
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
KEYS = st.text(string.printable, max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(VALUES)
def test_equals_the_reference_library(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_order_of_keys_does_not_matter(value):
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@given(st.binary(min_size=16, max_size=16), st.dictionaries(KEYS, VALUES, max_size=4))
def test_a_digest_takes_in_salt_and_every_value(salt, personal):
    digest = personal_digest(salt, personal)
    assert len(digest) == 32
    assert digest != personal_digest(salt, {**personal, "one more": 1})
    assert digest != personal_digest(bytes(16) if salt != bytes(16) else bytes([1]) * 16, personal)


def test_hashes_never_change():
    """The ledger's hashes are kept for ever: these values may never be edited, only added to."""
    assert bytes(32) == GENESIS
    assert canonical({"b": [1, None, True], "a": "ä\n\u2028"}) == '{"a":"ä\\n\u2028","b":[1,null,true]}'.encode()
    assert (
        personal_digest(bytes(16), {"body": "hello"}).hex()
        == "e457206341ba4fb5e5ee239f000affe097e1a333042e3736d57abf76a2984691"
    )
    first = event_hash(GENESIS, {"id": "1", "data": {}}, None)
    second = event_hash(first, {"id": "2", "data": {"a": 1}}, bytes(32))
    assert first.hex() == "07573d61be1e2d3456930fa600f1fe31df25b4ab626c259526cb184f22651eec"
    assert second.hex() == "9a5358d49715082d93eeed30a760fabe131ca0551d2e417a8cc341608a350528"
    assert keyed_digest(b"key", "ken@example.org") == "01e3da2bf9ec65aab373623668a403e686004b9e168534be26183fa76a3798d8"


def stream_of_two():
    context = Context(UUID(int=5), Actor("person", str(UUID(int=7))), Via("key", "tests"), cause=UUID(int=9))
    head = Head(0, GENESIS, None)
    rows = []
    for number, name in enumerate(("started", "resumed"), 1):
        event = NewEvent(f"ledgerdesk.ticket.{name}", {"origin": None})
        moment = datetime(2026, 1, 2, 3, 4, number, tzinfo=UTC)
        row, head = link("workflow", UUID(int=3), head, event, spec_of(event.type), UUID(int=number), context, moment)
        rows.append(row)
    return rows


def test_the_chain_of_a_stream_never_changes():
    one, two = stream_of_two()
    assert [one.version, two.version] == [1, 2]
    assert one.hash.hex() == "7d291d2bb57f72052235c641fbe7e149eb91d3825380caee14da5ca8ae24d20d"
    assert two.hash.hex() == "72310f87cdc0975820ad32a811ce21ebfbb1efa6068674e1142af8d2e237797e"


def test_an_event_over_256_kib_is_refused():
    context = Context(UUID(int=5), Actor("system", "tests"), Via("system", "tests"))
    kind = "ledgerdesk.ticket.noted"
    at = datetime(2026, 1, 2, tzinfo=UTC)

    def note(length: int):
        event = NewEvent(kind, {}, {"body": "x" * length})
        return link("workflow", UUID(int=3), Head(0, GENESIS, None), event, spec_of(kind), UUID(int=1), context, at)

    assert note(262_144 - 300)[0].version == 1
    with pytest.raises(EventTooLargeError, match="at most 262144"):
        note(262_144)
