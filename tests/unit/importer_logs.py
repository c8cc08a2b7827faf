"""Small logs of both styles for the importer's tests, and how to read them."""

from collections.abc import Callable
from pathlib import Path

import orjson

from ledgerdesk.importer.derive import derive
from ledgerdesk.importer.facts import Stated
from ledgerdesk.importer.mapping import Mapping, parse_mapping
from ledgerdesk.importer.people import directory
from ledgerdesk.importer.reader import read_log
from ledgerdesk.importer.rows import Log
from shared.contracts.catalogue import check
from shared.contracts.event import NewEvent
from shared.eventstore.facts import Facts

ROOT = Path(__file__).resolve().parents[2]

STATUS = """
log: small
style: status
time: {format: "%d/%m/%Y %H:%M"}
columns:
  {case: number, time: when, status: state, actor: who, assignee: to, group: team, priority: prio, requester: caller}
states: {New: new, Active: open, Awaiting*: on_hold, Resolved: resolved, Closed: closed, -100: ignore}
priorities: {1: emergency, 3: normal}
"""
HEADER = "number,when,state,who,to,team,prio,caller\n"

ACTIVITY = """
log: acts
style: activity
columns: {case: Case ID, time: Timestamp, activity: Activity, actor: Resource}
activities:
  Assign seriousness: started
  Take in charge ticket: [assigned, open]
  Wait: held
  Resolve ticket: resolved
  Closed: closed
"""
ACTS = "Case ID,Activity,Resource,Timestamp\n"


def reading_in(folder: Path) -> Callable[..., tuple[Log, Mapping]]:
    """Return what reads a log's text (or bytes) with a mapping's text."""

    def reading(text: str | bytes, mapping: str, name: str = "log.csv") -> tuple[Log, Mapping]:
        path = folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        parsed = parse_mapping(mapping)
        return read_log(path, parsed), parsed

    return reading


def facts_of(log: Log, mapping: Mapping) -> list[Stated]:
    """Derive, and hold every fact against its schema and the endpoint's envelope."""
    found = [*directory(log.rows, mapping.log), *derive(log.rows, mapping)]
    for owner, _, fact in found:
        check(NewEvent(fact["type"], fact["data"], fact["personal"]), owner)
    for start in range(0, len(found), 1000):
        part = [fact for _, _, fact in found[start : start + 1000]]
        Facts.model_validate_json(orjson.dumps({"log": mapping.log, "facts": part}))
    assert len({fact["id"] for _, _, fact in found}) == len(found)
    return [s for s in found if ".ticket." in s.fact["type"]]


def kinds(log: Log, mapping: Mapping) -> list[str]:
    """Return the kinds of each row, joined."""
    rows: dict[int, list[str]] = {}
    for _, _, fact in facts_of(log, mapping):
        rows.setdefault(fact["data"]["origin"]["row"], []).append(fact["type"].rsplit(".", 1)[1])
    return ["|".join(rows[row]) for row in sorted(rows)]


def times(log: Log) -> list[str]:
    return [row.at[:19] for row in log.rows if row.usable]


def lines(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)
