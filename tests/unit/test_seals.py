"""Merkle trees, seals and histories that prove themselves: pure."""

import copy
import hashlib
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ledgerdesk.audit.document import Absent, HistoryError, Part, Ticket, event_of_row, history_of, parse, prove
from ledgerdesk.audit.history import _neighbour
from ledgerdesk.audit.keys import AuditFiles, KeyFileError
from ledgerdesk.audit.leaves import FIRST, Leaf, place
from ledgerdesk.audit.merkle import EMPTY, Tree, leaf_hash, node_hash, root_of
from ledgerdesk.audit.records import (
    NO_PREVIOUS,
    Record,
    RecordError,
    check,
    check_chain,
    key_id,
    last_whole_day,
    read,
    signed,
)
from ledgerdesk.chains import envelope
from shared.contracts.event import NewEvent
from shared.eventstore.store import EMPTY as NO_HEAD
from shared.testing.events import NOON, command, created, message

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RING = {key_id(KEY.public_key()): KEY.public_key()}
STREAM = UUID("5f0c7f0e-9f3b-4c52-8a51-0d7a3f3f6a11")


# -- the tree ----------------------------------------------------------------------------------------------------------


def as_defined(leaves: list[bytes]) -> bytes:
    """The root by the recursive definition of RFC 6962, section 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + as_defined(leaves[:half]) + as_defined(leaves[half:])).digest()


def test_known_roots():
    """From the test vectors that implementations of RFC 6962 share."""
    leaves = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root().hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert Tree().root() == EMPTY


@given(st.lists(st.binary(max_size=5), max_size=70), st.data())
def test_the_streamed_tree_is_the_defined_one_and_its_proofs_lead_to_the_root(leaves, data):
    tree = Tree()
    proofs = [tree.add(leaf, prove=True) for leaf in leaves]
    root = tree.root()
    assert root == as_defined(leaves)
    for leaf, proof in zip(leaves, proofs, strict=True):
        assert root_of(leaf, proof.index, tree.size, proof.path) == root
        assert root_of(leaf + b"x", proof.index, tree.size, proof.path) != root
        assert root_of(leaf, proof.index, tree.size, [*proof.path, root]) != root
        assert root_of(leaf, proof.index, tree.size, proof.path[:-1]) != root or not proof.path
    if len(set(leaves)) > 1:
        proof = data.draw(st.sampled_from(proofs))
        other = data.draw(st.integers(-2, tree.size + 2).filter(lambda n: n != proof.index))
        leaf = leaves[proof.index]
        assume(other >= len(leaves) or other < 0 or leaves[other] != leaf)
        assert root_of(leaf, other, tree.size, proof.path) != root


def test_the_tree_keeps_a_logarithm_of_its_leaves():
    tree = Tree()
    for n in range(10_000):
        tree.add(b"%d" % n)
        assert len(tree._subtrees) <= 14


def test_a_path_is_as_long_as_the_tree_is_high():
    assert root_of(b"", 0, 1, []) == leaf_hash(b"")
    assert root_of(b"", 0, 2, []) is None
    assert root_of(b"", 0, 1, [leaf_hash(b"")]) is None
    assert root_of(b"", 0, 3, [leaf_hash(b"")]) is None


def test_an_inner_node_is_no_leaf():
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


# -- seals -------------------------------------------------------------------------------------------------------------


def sealed(number: int, previous: str, **more) -> Record:
    content = {
        "number": number, "day": "2026-11-22", "at": "2026-11-23T00:00:30.000000Z", "positions": {"intake": 7},
        "streams": 3, "root": "ab" * 32, "previous": previous, **more,
    }  # fmt: skip
    return signed(content, KEY)


def chain(count: int) -> list[Record]:
    records = []
    for number in range(1, count + 1):
        records.append(sealed(number, records[-1].hash if records else NO_PREVIOUS))
    return records


def test_a_record_reads_as_it_was_written():
    record = sealed(1, NO_PREVIOUS)
    assert read(record.line) == record
    check(record, RING)


def test_another_key_s_signature_is_not_ours():
    other = Ed25519PrivateKey.generate()
    record = signed(sealed(1, NO_PREVIOUS).model_dump(exclude={"signature", "key_id", "format"}), other)
    with pytest.raises(RecordError, match="not among the public keys"):
        check(record, RING)
    forged = record.model_copy(update={"key_id": key_id(KEY.public_key())})
    with pytest.raises(RecordError, match="seal 1: its signature does not hold"):
        check(forged, RING)


def test_a_chain_holds_and_every_hole_in_it_is_named():
    records = chain(4)
    assert check_chain(records, RING) == []
    assert check_chain([], RING) == []
    assert "seal 1 is missing" in check_chain(records[1:], RING)[0]
    assert "seal 2 is missing" in check_chain([records[0], *records[2:]], RING)[0]
    replaced = sealed(
        2, records[0].hash, streams=4
    )  # signed by the key itself, and yet not the one that was built upon
    assert check_chain([records[0], replaced, *records[2:]], RING) == [
        "seal 3 does not follow from the one before it: one of the two was changed"
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"format": "ledgerdesk-seal/1"}', "number"),
        ('{"a": 1, "a": 1}', "twice"),
        ('{"number": 1.0}', "no value that a history holds"),
        ("NaN", "no value that a history holds"),
        ("[", "Expecting value"),
    ],
)
def test_what_is_no_record_says_why(line, reason):
    with pytest.raises(RecordError, match=reason):
        read(line)


def test_the_day_is_the_last_that_has_ended():
    assert str(last_whole_day(datetime(2026, 11, 23, 0, 0, 30, tzinfo=UTC))) == "2026-11-22"
    assert str(last_whole_day(datetime(2026, 3, 1, 23, 59, tzinfo=UTC))) == "2026-02-28"


def test_a_lost_key_is_not_replaced_in_silence(tmp_path):
    files = AuditFiles.beside(tmp_path / "audit.key")
    assert files.make_key()
    assert not files.make_key()
    assert files.key.stat().st_mode & 0o077 == 0
    assert list(files.ring()) == [key_id(files.private_key().public_key())]
    files.public.write_bytes(files.public.read_bytes() * 2)
    assert len(files.ring()) == 1
    files.key.unlink()
    with pytest.raises(KeyFileError, match="put the key back"):
        files.make_key()


# -- histories -----------------------------------------------------------------------------------------------------------


def part_of(owner: str, facts: list[NewEvent]) -> tuple[Part, Leaf]:
    """An owner's events as a store would have them, and their leaf."""
    rows, end = command(owner, STREAM, NO_HEAD, facts)
    places = FIRST
    events = []
    for position, row in enumerate(rows.rows, 10):
        raw = {
            "event_id": row.event_id, "stream_id": STREAM, "version": row.version, "type": row.type,
            "schema_version": row.schema_version, "occurred_at": row.occurred_at, "position": position, "recorded_at": NOON,
            "meta": json.loads(row.meta), "data": json.loads(row.data), "salt": row.salt, "hash": row.hash,
            "personal": json.loads(row.personal) if row.personal else None, "personal_digest": row.digest,
        }  # fmt: skip
        places = place(places, position, NOON)
        events.append(event_of_row(envelope(raw, owner), raw))
    leaf = Leaf(owner, STREAM, end.version, end.hash, places)
    return Part(owner=owner, index=0, path=[], events=events), leaf


OTHERS = [("intake", 1), ("routing", 2), ("routing", 2**127), ("workflow", 2**127 + 1)]


def document() -> dict:
    """A history of two owners among four, in a tree of six streams, as decoded JSON."""
    parts = [
        part_of("intake", [created("100042", tags=["a", "ü"]), message()]),
        part_of(
            "workflow",
            [NewEvent("ledgerdesk.ticket.started", {}), NewEvent("ledgerdesk.ticket.noted", {}, {"body": "x"})],
        ),
    ]
    others = [Leaf(owner, UUID(int=n), 1, bytes(32), bytes(32)) for owner, n in OTHERS]
    leaves = sorted([leaf for _, leaf in parts] + others, key=lambda leaf: leaf.key)
    tree = Tree()
    every = {leaf.key: (leaf, tree.add(leaf.content, prove=True)) for leaf in leaves}
    proofs = [every[leaf.key][1] for _, leaf in parts]
    root = tree.root().hex()
    first = sealed(1, NO_PREVIOUS)
    seal = sealed(
        2,
        first.hash,
        streams=tree.size,
        root=root,
        positions={"gateway": 0, "intake": 11, "routing": 4, "workflow": 11},
    )
    found = [
        part.model_copy(update={"index": proof.index, "path": [step.hex() for step in proof.path]})
        for (part, _), proof in zip(parts, proofs, strict=True)
    ]
    keys = [None, *[leaf.key for leaf in leaves], None]
    absent = []
    for owner in ("gateway", "routing"):
        after = next(key for key in keys[1:] if key is None or key > (owner, STREAM.bytes))
        before = keys[keys.index(after, 1) - 1]
        absent.append(Absent(owner=owner, before=_neighbour(every, before), after=_neighbour(every, after)))
    history = history_of(Ticket(id=str(STREAM), number="100042"), found, absent, [first, seal])
    return json.loads(history.model_dump_json())


WHOLE = document()


def places_in(value, path=()):
    """Every value in a document, by the way to it."""
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from places_in(value[name], (*path, name))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places_in(value[index], (*path, index))


PLACES = [path for path in places_in(WHOLE) if path]


def at(value, path):
    for step in path:
        value = value[step]
    return value


def test_a_whole_document_holds():
    proven = prove(parse(json.dumps(WHOLE)), RING)
    assert (proven.ticket.number, proven.events, proven.erased, proven.seal.number) == (
        "100042", {"intake": 2, "workflow": 2, "gateway": 0, "routing": 0}, 0, 2,
    )  # fmt: skip


def test_an_erased_personal_part_is_told_and_holds():
    erased = copy.deepcopy(WHOLE)
    erased["owners"][0]["events"][1] |= {"personal": None, "salt": None}
    assert prove(parse(json.dumps(erased)), RING).erased == 1


OTHER = (
    st.none()
    | st.booleans()
    | st.integers(-3, 300)
    | st.integers(2**52, 2**70)
    | st.text(max_size=3)
    | st.just([])
    | st.just({})
    | st.just({"a": 1})
)


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), OTHER)
def test_any_other_value_anywhere_is_found(path, value):
    changed = copy.deepcopy(WHOLE)
    assume(json.dumps(at(changed, path)) != json.dumps(value))
    at(changed, path[:-1])[path[-1]] = value
    with pytest.raises(HistoryError):
        prove(parse(json.dumps(changed)), RING)


@pytest.mark.parametrize("path", [p for p in PLACES if isinstance(at(WHOLE, p), str)], ids=str)
def test_any_changed_character_is_found(path):
    text = at(WHOLE, path)
    for index in {0, len(text) // 2, len(text) - 1} if text else ():
        for character in {"0", "1", "a", "\ud800", chr(ord(text[index]) ^ 1), text[index].upper()} - {text[index]}:
            changed = copy.deepcopy(WHOLE)
            at(changed, path[:-1])[path[-1]] = text[:index] + character + text[index + 1 :]
            with pytest.raises(HistoryError):
                prove(parse(json.dumps(changed)), RING)


@pytest.mark.parametrize("path", PLACES, ids=str)
def test_whatever_is_taken_out_is_found(path):
    changed = copy.deepcopy(WHOLE)
    del at(changed, path[:-1])[path[-1]]
    with pytest.raises(HistoryError):
        prove(parse(json.dumps(changed)), RING)


@pytest.mark.parametrize("path", [p for p in PLACES if isinstance(at(WHOLE, p), list) and at(WHOLE, p)], ids=str)
def test_whatever_stands_twice_or_in_another_order_is_found(path):
    for build in (lambda v: [*v, v[-1]], lambda v: v[::-1] if v[::-1] != v else [*v, v[0]]):
        changed = copy.deepcopy(WHOLE)
        value = at(changed, path)
        at(changed, path[:-1])[path[-1]] = build(value)
        with pytest.raises(HistoryError):
            prove(parse(json.dumps(changed)), RING)


@pytest.mark.parametrize("path", [p for p in PLACES if isinstance(at(WHOLE, p), dict)], ids=str)
def test_whatever_is_put_in_is_found(path):
    changed = copy.deepcopy(WHOLE)
    at(changed, path)["invented"] = 1
    with pytest.raises(HistoryError):
        prove(parse(json.dumps(changed)), RING)


@pytest.mark.parametrize("owner", ["intake", "workflow"])
def test_an_owner_with_events_cannot_be_passed_off_as_one_without(owner):
    changed = copy.deepcopy(WHOLE)
    changed["owners"] = [part for part in changed["owners"] if part["owner"] != owner]
    for neighbours in changed["absent"]:
        pretended = {**copy.deepcopy(neighbours), "owner": owner}
        both = {**changed, "absent": sorted([*changed["absent"], pretended], key=lambda one: one["owner"])}
        with pytest.raises(HistoryError, match=f"{owner}: it is not shown"):
            prove(parse(json.dumps(both)), RING)


def test_numbers_are_whole_and_members_stand_once():
    text = json.dumps(WHOLE)
    for broken in (
        text.replace('"index": 1', '"index": 1.0', 1),
        '{"format": "x", ' + text[1:],
        text + "x",
        "[" * 100_000,
    ):
        with pytest.raises(HistoryError):
            prove(parse(broken), RING)
