"""The demo from a ready stack on: the organisation, the story, the quarter, and what to look at. And `ledgerdesk seed`."""

import argparse
import asyncio
import gc
import os
import secrets
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console

from ledgerdesk.client import NoStackError, Stack, find_stack
from ledgerdesk.demo import direct
from ledgerdesk.demo.conduct import supervisor_of
from ledgerdesk.demo.desk import LOG
from ledgerdesk.demo.load import (
    LoadError,
    apply_organisation,
    load,
    remember,
    remembered,
    requesters_for,
    wait_for_views,
)
from ledgerdesk.demo.org import cast, demo_organisation
from ledgerdesk.demo.shown import what_to_look_at
from ledgerdesk.demo.simulation import Quarter, facts, last_midnight
from ledgerdesk.demo.story import Story, StoryError
from ledgerdesk.importer.send import SendError
from ledgerdesk.organisation import OrganisationFile, OrganisationFileError
from ledgerdesk.progress import bar_of
from ledgerdesk.up import worker_progress
from shared.embedded import read_state

TICKETS: Final = 6000
_READY_SECONDS: Final = 180.0
_PASSWORD_FILE: Final = "demo.password"  # noqa: S105 -- the file's name


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why."""


FAILURES: Final = (
    DemoError, LoadError, direct.AlreadyThereError, NoStackError, OrganisationFileError, SendError, StoryError, RuntimeError, httpx.HTTPError, OSError,
)  # fmt: skip
"""What can go wrong and is said in one line; anything else is a bug and shows its traceback."""


def wait_ready(data: Path) -> Stack:
    """Return the stack once it is ready: that of the environment, else the one in `data`.

    Raises:
        DemoError: It is not ready in time.
        NoStackError: LEDGERDESK_URL is set, and no key.
    """
    deadline, told = time.monotonic() + _READY_SECONDS, ""
    while time.monotonic() < deadline:
        said = worker_progress(data)
        if said != told:  # it catches up with a large store
            deadline, told = time.monotonic() + _READY_SECONDS, said
        if os.environ.get("LEDGERDESK_URL") or _all_run(data):
            stack = find_stack(data)
            if _answers(stack):
                return stack
        time.sleep(0.1)
    raise DemoError(f"the stack is not ready after {_READY_SECONDS:.0f} s; see {data / 'log'}, or `ledgerdesk doctor`")


def _all_run(data: Path) -> bool:
    """Whether a supervisor lives in the directory and says that its children run: the port alone could be somebody else's."""
    children = (read_state(data) or {}).get("processes") or []
    return (
        supervisor_of(data) is not None
        and bool(children)
        and all(child["state"] in {"running", "resting", "done"} for child in children)
    )


def _answers(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.url}/readyz", timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def password_for(data: Path) -> tuple[str, bool]:
    """Return the password of the demo's accounts, and whether it was made just now.

    LEDGERDESK_DEMO_PASSWORD, else the one kept in ``<data>/demo.password`` (only we may read it), made the first time.
    """
    given = os.environ.get("LEDGERDESK_DEMO_PASSWORD")
    if given:
        return given, False
    path = data / _PASSWORD_FILE
    if path.exists():
        return path.read_text().strip(), False
    path.parent.mkdir(parents=True, exist_ok=True)
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
    return password, True


def quarter_of(data: Path, seed: int, tickets: int | None, end: datetime | None, default: int = TICKETS) -> Quarter:
    """Return the quarter to load: the one that this seed means in this data directory already, if there is one.

    Raises:
        LoadError: Something else is asked for than is there.
    """
    known = remembered(data, seed)
    if known is None:
        return Quarter(seed, tickets or default, end or last_midnight())
    there = Quarter(seed, int(known["tickets"]), midnight(date.fromisoformat(known["end"])))
    if (tickets or there.tickets, end or there.end) != (there.tickets, there.end):
        raise LoadError(
            f"{data} holds the quarter of seed {seed} with {there.tickets} tickets up to {there.end:%Y-%m-%d}: leave --tickets "
            "and --end out to complete it, or choose another --seed"
        )
    return there


def midnight(day: date) -> datetime:
    """Return the midnight (UTC) with which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def demo(data: Path, quarter: Quarter, console: Console) -> None:
    """Play and load the demo on the stack of a data directory, and say what to look at.

    Raises:
        DemoError, LoadError, direct.AlreadyThereError, NoStackError, OrganisationFileError, SendError, StoryError, RuntimeError: A part of it failed.
    """
    stack = wait_ready(data)
    password, new = password_for(data)
    with console.status("applying the demo's organisation"):
        file, ids = apply_organisation(stack, requesters_for(quarter.tickets), password)
    agents = sum(bool(person.departments) for person in file.people)
    console.print(
        f"Organisation: {agents} agents in {len(file.departments)} departments, {len(ids)} people.\n", highlight=False
    )
    told = Story(stack, console).play()
    load_quarter(stack, data, quarter, file, ids, console)
    what_to_look_at(stack, data, console, told, password, new=new)


def seed(stack: Stack, data: Path, quarter: Quarter, console: Console) -> None:
    """Fill a store with a simulated quarter of any size.

    Raises:
        LoadError, OrganisationFileError, SendError, RuntimeError: It cannot be done.
    """
    with console.status("applying the demo's organisation"):
        file, ids = apply_organisation(stack, requesters_for(quarter.tickets))
    load_quarter(stack, data, quarter, file, ids, console)


def seed_stopped(dsn: str, data: Path, quarter: Quarter, console: Console) -> None:
    """Write a quarter straight into the stores of a stopped stack. The views are made by `ledgerdesk rebuild`.

    Raises:
        AlreadyThereError: It is there.
        DemoError: The demo's organisation is not.
    """
    file = demo_organisation(requesters_for(quarter.tickets))
    ids = asyncio.run(direct.people(dsn))
    known = file.model_copy(update={"people": [person for person in file.people if person.email in ids]})
    if any(person.departments and person.email not in ids for person in file.people):
        raise DemoError(
            f"the demo's organisation is not in {data}: load it first with "
            f"`ledgerdesk demo --data {data} --tickets 1 --no-stay`"
        )
    remember(data, quarter)
    begun = time.monotonic()
    gc.disable()  # what is made goes by itself, what stays is looked through again and again: a third of the time of a million tickets
    with bar_of(console) as bar:
        task = bar.add_task("writing the quarter", total=None, rate="")

        def say(written: int) -> None:
            bar.update(
                task, completed=written, rate=f"{written:,} events, {written / (time.monotonic() - begun):,.0f}/s"
            )

        written = asyncio.run(direct.write(dsn, LOG, facts(quarter, cast(known, ids, quarter.scale)), say))
    console.print(
        f"{quarter.tickets:,} tickets, {written:,} events in {time.monotonic() - begun:.1f} s. The views do not know them yet: "
        f"run `ledgerdesk rebuild all --data {data}`, then start the stack.", highlight=False,
    )  # fmt: skip


def load_quarter(
    stack: Stack, data: Path, quarter: Quarter, file: OrganisationFile, ids: dict[str, str], console: Console
) -> None:
    """Load a quarter, wait until every view has it, and say what that came to.

    Raises:
        LoadError, SendError: It cannot be done.
    """
    console.print(
        f"\nA quarter of {quarter.tickets:,} tickets, {quarter.begin:%Y-%m-%d} to {quarter.end:%Y-%m-%d} (seed {quarter.seed}), "
        "simulated and stated as back-dated events:", highlight=False,
    )  # fmt: skip
    loaded = load(stack, data, quarter, file, ids, console)
    lag = wait_for_views(stack, console)
    rate = loaded.stated / max(loaded.seconds, 1e-6)
    if loaded.appended:
        done = f"{loaded.appended:,} of {loaded.stated:,} events were new; loaded in {loaded.seconds:.1f} s ({rate:,.0f}/s)"
    else:
        done = f"The quarter was there already: all {loaded.stated:,} events are known, nothing was added ({loaded.seconds:.1f} s)"
    console.print(f"{done}; every view had them {lag:.1f} s later.", highlight=False)


def main() -> int:
    """Play and load, as told by the command line of `ledgerdesk demo`."""
    parser = argparse.ArgumentParser(prog="ledgerdesk demo")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tickets", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--end", type=date.fromisoformat)
    arguments = parser.parse_args()
    end = midnight(arguments.end) if arguments.end else None
    console, errors = Console(soft_wrap=True), Console(stderr=True, soft_wrap=True)
    try:
        demo(arguments.data, quarter_of(arguments.data, arguments.seed, arguments.tickets, end), console)
    except FAILURES as error:
        errors.print(f"{type(error).__name__}: {error}", style="red", markup=False, highlight=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
