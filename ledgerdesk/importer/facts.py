"""The form of a fact, and the identifiers by which a second import of the same log adds nothing."""

from functools import lru_cache
from hashlib import sha1
from typing import Any, Final, NamedTuple

from shared.contracts.catalogue import CATALOGUE
from shared.contracts.ids import NAMESPACE, derived

OWNER: Final = {spec.type: spec.owner for spec in CATALOGUE.values()}
IMPORT: Final = {"kind": "system", "id": "import"}
"""Who did what the log names nobody for."""


class Stated(NamedTuple):
    """A fact to be stated: to which owner, because of which line of the file, and the fact as `POST …/facts` takes it."""

    owner: str
    line: int
    fact: dict[str, Any]


def ticket_id(log: str, case: str) -> str:
    """Return the ticket of a case."""
    return str(derived("import", log, case))


def fact_id(log: str, case: str, ordinal: int, index: int) -> str:
    """Return the id of the `index`-th fact (from 0) of the `ordinal`-th row (from 1) of a case.

    It is ``derived("import", log, case, ordinal, index)``, written out: the detour over `uuid.UUID`, once a fact, would
    take as long as all the rest of the derivation.
    """
    h = sha1(
        b"%b%b" % (NAMESPACE.bytes, f"import|{log}|{case}|{ordinal}|{index}".encode()), usedforsecurity=False
    ).hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{int(h[16:18], 16) & 0x3F | 0x80:02x}{h[18:20]}-{h[20:32]}"


@lru_cache(maxsize=100_000)
def person_id(log: str, name: str) -> str:
    """Return the person whom a log knows by this name (requesters with an address: by the address)."""
    return str(derived("import-person", log, name))


def directory_fact_id(log: str, kind: str, name: str) -> str:
    """Return the id of the directory entry that is made for a name."""
    return str(derived("import-directory", log, kind, name))


def stated(
    line: int, fact: str, stream: str, name: str, at: str, actor: dict[str, str], data: dict[str, Any],
    personal: dict[str, Any] | None,
) -> Stated:  # fmt: skip
    """Return a fact of the type `name` (without ``ledgerdesk.``)."""
    event_type = f"ledgerdesk.{name}"
    body = {
        "id": fact, "stream_id": stream, "type": event_type, "occurred_at": at, "actor": actor, "data": data,
        "personal": personal,
    }  # fmt: skip
    return Stated(OWNER[event_type], line, body)
