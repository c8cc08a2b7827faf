"""Brings the simulated quarter into a stack's ledger, and waits until every view shows it."""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from rich.console import Console
from rich.progress import Progress, TaskID

from ledgerdesk import organisation
from ledgerdesk.client import PATIENCE, Stack, checked
from ledgerdesk.demo.desk import LOG, ticket_number
from ledgerdesk.demo.org import cast, demo_organisation, person_ids
from ledgerdesk.demo.simulation import Quarter, facts
from ledgerdesk.importer.facts import Stated
from ledgerdesk.importer.report import ImportReport
from ledgerdesk.importer.send import Sender
from ledgerdesk.organisation import OrganisationFile
from ledgerdesk.progress import bar_of
from shared.contracts.event import from_feed_line
from shared.service_names import OWNERS

CREATED: Final = "ledgerdesk.ticket.created"
_TIMEOUT: Final = httpx.Timeout(60.0)
_PATIENCE: Final = 60.0
"""Seconds without any progress after which a view is given up."""
_MOST_REQUESTERS: Final = 2500


class LoadError(RuntimeError):
    """The quarter cannot be loaded, or is not all there; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading came to: facts stated, those that were new, and seconds until all had been taken."""

    stated: int
    appended: int
    seconds: float


def requesters_for(tickets: int) -> int:
    """Return how many people ask so many tickets: one for twenty, within bounds."""
    return max(40, min(_MOST_REQUESTERS, tickets // 20))


def remembered(data: Path, seed: int) -> dict[str, Any] | None:
    """Return the quarter that was loaded from this seed into the stack of a data directory: its tickets and end.

    Of a stack elsewhere nothing is remembered here; `load` looks into its ledger.
    """
    if os.environ.get("LEDGERDESK_URL"):
        return None
    try:
        found: dict[str, Any] | None = orjson.loads((data / "demo.json").read_bytes()).get(str(seed))
    except (OSError, orjson.JSONDecodeError):
        return None
    return found


def remember(data: Path, quarter: Quarter) -> None:
    """Keep which quarter was loaded: on another day the same command must mean the same one."""
    if os.environ.get("LEDGERDESK_URL"):
        return
    path = data / "demo.json"
    try:
        known = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        known = {}
    known[str(quarter.seed)] = {"tickets": quarter.tickets, "end": quarter.end.date().isoformat()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def apply_organisation(
    stack: Stack, requesters: int, password: str | None = None
) -> tuple[OrganisationFile, dict[str, str]]:
    """Apply the demo's organisation and return it with everybody's person id.

    Customers' organisations go first: a person's is looked up by the domain of the address when the person is registered.

    Raises:
        RuntimeError: The stack refused it.
    """
    file = demo_organisation(requesters)
    organisation.apply(stack, file.model_copy(update={"people": [], "teams": [], "rules": []}))
    ids = person_ids(stack, file)
    organisation.apply(stack, file, password)
    return file, ids


def load(
    stack: Stack, data: Path, quarter: Quarter, file: OrganisationFile, ids: dict[str, str], console: Console
) -> Loaded:
    """Simulate the quarter and state its facts; what the ledger knows already adds nothing.

    Raises:
        LoadError: Another quarter of the same seed is there, or facts were refused.
        SendError: The stack cannot be reached.
    """
    stated = facts(quarter, cast(file, ids, quarter.scale))
    first = next(stated)
    _refuse_another(stack, quarter, first)
    report = ImportReport(LOG)
    remember(data, quarter)  # before the first fact: a load that is broken off is completed by the same quarter
    begun = time.monotonic()
    with bar_of(console) as bar:
        counting = _Counting(
            _chained(first, stated), bar, bar.add_task("loading the quarter", total=quarter.tickets, rate="")
        )
        asyncio.run(_send(stack, counting, report))
        counting.show(quarter.tickets)
    seconds = time.monotonic() - begun
    if report.refused:
        one = report.refused[0]
        raise LoadError(
            f"{len(report.refused)} facts were refused, such as {one.type} of ticket {one.line}: {one.reason}"
        )
    return Loaded(counting.count, sum(report.appended.values()), seconds)


async def _send(stack: Stack, stated: Iterable[Stated], report: ImportReport) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=_TIMEOUT) as client:
        await Sender(client, stack.url, lambda: stack.key, report).send(stated)


def _refuse_another(stack: Stack, quarter: Quarter, first: Stated) -> None:
    """Refuse to mix two quarters of one seed: they would share ticket numbers and ids, but not what happened.

    Raises:
        LoadError: The ledger's first ticket of this seed is of another time.
    """
    with stack.client(patience=PATIENCE) as client:
        response = client.get(f"/internal/intake/streams/{first.fact['stream_id']}")
        events = [from_feed_line(line) for line in response.content.splitlines()] if response.is_success else []
    ours = datetime.fromisoformat(first.fact["occurred_at"])
    if events and events[0].occurred_at != ours:
        raise LoadError(
            f"another quarter of seed {quarter.seed} is in this ledger: its ticket {ticket_number(quarter.seed, 1)} is of "
            f"{events[0].occurred_at:%Y-%m-%d %H:%M}, this one's of {ours:%Y-%m-%d %H:%M}. Give the same --tickets and --end as "
            "then, or another --seed"
        )


def _chained(first: Stated, others: Iterator[Stated]) -> Iterator[Stated]:
    yield first
    yield from others


class _Counting(Iterable[Stated]):
    """Counts what is taken out of a stream of facts and shows it: progress by tickets, as their creations come in time order."""

    def __init__(self, facts: Iterator[Stated], bar: Progress, task: TaskID) -> None:
        self._facts, self._bar, self._task = facts, bar, task
        self._begun = time.monotonic()
        self.count = 0
        self.tickets = 0

    def __iter__(self) -> Iterator[Stated]:
        for stated in self._facts:
            self.count += 1
            self.tickets += stated.fact["type"] == CREATED
            if self.count % 500 == 0:
                self.show(self.tickets)
            yield stated

    def show(self, tickets: int) -> None:
        """Show how far it is."""
        rate = self.count / max(time.monotonic() - self._begun, 1e-6)
        self._bar.update(self._task, completed=tickets, rate=f"{self.count:,} events, {rate:,.0f}/s")


def wait_for_views(stack: Stack, console: Console) -> float:
    """Wait until every view has all that the owners have now; returns the seconds it took.

    Raises:
        LoadError: A view has stopped short of it, or has parked or missing events.
    """
    begun = moved = time.monotonic()
    last = -1
    with stack.client(patience=PATIENCE) as client, bar_of(console) as bar:
        heads = {owner: int(checked(client.get(f"/internal/{owner}/head"))["position"]) for owner in OWNERS}
        task = bar.add_task("views catching up", total=None, rate="")
        while True:
            views = checked(client.get("/internal/projections"))["projections"]
            behind = _behind(views, heads)
            if not behind:
                break
            left = sum(behind.values())
            if left != last:
                moved, last = time.monotonic(), left
            if time.monotonic() - moved > _PATIENCE:
                raise LoadError(
                    f"after {_PATIENCE:.0f} s without progress these views are behind: {', '.join(sorted(behind))}"
                )
            bar.update(task, total=max(left, bar.tasks[0].total or 0), completed=(bar.tasks[0].total or left) - left)
            time.sleep(0.1)
        bar.update(task, total=1, completed=1)
    broken = [
        f"{view['name']}: {view['parked']} parked, {view.get('parked_reactions', 0)} not reacted to, {view['gaps']} missing"
        for view in views
        if view["parked"] or view.get("parked_reactions") or view["gaps"]
    ]
    if broken:
        raise LoadError(f"events could not be applied; see `ledgerdesk parked`: {'; '.join(broken)}")
    return time.monotonic() - begun


def _behind(views: list[dict[str, Any]], heads: dict[str, int]) -> dict[str, int]:
    """Return, by view, how many positions it lacks; a watermark is there for owners whose events the view follows."""
    behind: dict[str, int] = {}
    for view in views:
        for owner, head in heads.items():
            lacks = head - int(view["watermarks"].get(owner, 0))
            if lacks > 0:
                behind[view["name"]] = behind.get(view["name"], 0) + lacks
    return behind
