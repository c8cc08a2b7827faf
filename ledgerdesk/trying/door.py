"""Trying rules by HTTP: `POST /api/v1/internal/rules/try`, for administrators. What `ledgerdesk rules try` does, in a process of its own.

It reads the owners' whole feeds, and works as long as there are tickets to play: a service's own process has others to serve.
"""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Annotated, Any, Self

import httpx
from pydantic import Field, model_validator

from ledgerdesk import by_owner
from ledgerdesk.exporting import entries_of
from ledgerdesk.trying.compared import try_rules
from ledgerdesk.trying.desk import desk_of
from ledgerdesk.trying.history import histories
from services.routing.organisation import RuleEntry
from shared.contracts.fields import Moment, Strict
from shared.forms import WORDED
from shared.http.problems import Problem
from shared.rules import faults
from shared.settings import Settings

SHOWN = 200
"""Tickets that differ, which an answer holds; it says how many there are."""
PATIENCE = 60.0
"""Seconds that a page of a feed may take."""
MOST_SECONDS = 110
"""That a trial may take: the page that asks for it waits for 120."""
_one_at_a_time = asyncio.Lock()


_Moment = Annotated[Moment, Field(strict=False)]  # strict JSON has no times, only text that says one


class Trial(Strict):
    """Rules to try: each in the place of the one in force that has its key, or besides them."""

    rules: Annotated[list[RuleEntry], Field(min_length=1, max_length=100)]
    start: _Moment | None = Field(None, description="Of tickets created from then on; none: from the first")
    end: _Moment | None = Field(None, description="And before then; none: up to now")

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("end must be after start")
        return self


def run(origins: dict[str, str], token: str, asked: str) -> dict[str, Any]:
    """Try rules, and return the answer. Raises RuntimeError: the words of a problem."""
    trial = Trial.model_validate_json(asked)
    with by_owner.client(origins, token, PATIENCE) as client:
        try:
            found, last = histories(client, trial.start, trial.end)
            entries = entries_of(client)
        except httpx.HTTPError as error:
            raise RuntimeError(f"an owner does not answer: {type(error).__name__}") from error
    worded = {field["key"] for field in entries.of("field") if field["type"] in WORDED}
    if wrong := _faults(trial, worded):
        return {"wrong": wrong}
    desk = desk_of(entries)
    changed = {rule.key: rule.model_dump(mode="json") | {"version": 0} for rule in trial.rules}
    then = desk.with_rules([*(rule for rule in desk.config.rules if rule["key"] not in changed), *changed.values()])
    differing, counts = try_rules(found, desk, then, last or datetime.now(UTC))
    return {
        "tickets": len(found), "differing": len(differing), "applied": {key: counts[key] for key in changed},
        "items": [asdict(one) for one in differing[:SHOWN]],
    }  # fmt: skip


def _faults(trial: Trial, worded: set[str]) -> dict[str, str]:
    return {
        f"rules.{rule.key}.{where}": what
        for rule in trial.rules
        for where, what in faults(rule.model_dump(), worded).items()
    }


async def answer(settings: Settings, token: str, trial: Trial) -> dict[str, Any]:
    """Try rules on past tickets. Nothing is changed.

    Raises:
        Problem: 409, another trial is under way; 422, a rule cannot hold; 503, an owner does not answer.
    """
    if _one_at_a_time.locked():
        raise Problem(409, "Other rules are being tried just now: try again in a moment.")
    origins = by_owner.origins_of(settings)
    async with _one_at_a_time:
        pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        try:
            async with asyncio.timeout(MOST_SECONDS):
                found = await asyncio.get_running_loop().run_in_executor(
                    pool, run, origins, token, trial.model_dump_json()
                )
        except TimeoutError as error:
            raise Problem(
                422, f"That takes over {MOST_SECONDS} seconds: choose a shorter period, or use `ledgerdesk rules try`.",
                fields={"start": "must be later: there are too many tickets"},
            ) from error  # fmt: skip
        except (RuntimeError, BrokenProcessPool) as error:
            raise Problem(503, f"The rules could not be tried: {error}.") from error
        finally:  # not awaited: the child may be waiting for this very process, which may be stopping
            for child in list((pool._processes or {}).values()):  # noqa: SLF001 -- the class offers no other way to end one
                child.kill()
            pool.shutdown(wait=False, cancel_futures=True)
    if wrong := found.get("wrong"):
        raise Problem(422, "; ".join(f"{where}: {what}" for where, what in wrong.items()), fields=wrong)
    return found
