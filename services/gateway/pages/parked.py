"""Parked events: what a view could not take in, or a service not react to; tried again, or given up. Each service is asked for its own."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Response

from services.gateway.pages.client import ApiProblem
from services.gateway.pages.configuring.pages import only_administrators
from services.gateway.pages.language import N_, _, ngettext
from services.gateway.pages.render import inside, words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Visit, VisitDep
from shared.contracts.event import rfc3339
from shared.service_names import SERVICES

router = APIRouter(route_class=PageRoute)

NOT_FOUND, INVALID, AWAY = 404, 422, 503
WAITS = N_("an earlier event of this stream is parked")
"""The reason of an event that is parked for no fault of its own."""
UNSAVABLE = "it cannot be saved: "
"""How the reason of one begins that no table takes; the error's name follows."""
PATIENCE = 120.0
"""Seconds for folding what is parked: it may be much."""
SHOWN = 100
"""Discarded events on the page, the last first."""

Answers = Mapping[str, Mapping[str, Any]]
Stream = Annotated[UUID, Path()]


def named(event_type: str) -> str:
    """Return what happened, in words: of what, and what."""
    of, _dot, what = event_type.removeprefix("ledgerdesk.").partition(".")
    return f"{words(of)}: {inside(what)}" if what else words(of)


def why(reason: str) -> str:
    """Return why an event is parked, in words; what an error says of itself stays as it is."""
    if reason.startswith(UNSAVABLE):
        return _("it cannot be saved: %(error)s", error=reason.removeprefix(UNSAVABLE))
    return _(reason) if reason == WAITS else reason


@dataclass(slots=True)
class Aside:
    """A parked event: where it is parked, why, since when; whether it is itself at fault anywhere, or waits everywhere."""

    event: Mapping[str, Any]
    since: str
    places: list[dict[str, str]] = field(default_factory=list)

    @property
    def ident(self) -> str:
        """The event's id."""
        return str(self.event.get("event_id") or "")

    @property
    def holds(self) -> bool:
        """Whether it holds up others."""
        return any(place["reason"] != WAITS for place in self.places)

    @property
    def name(self) -> str:
        """What happened, in words."""
        return named(str(self.event.get("type") or ""))

    @property
    def whole(self) -> str:
        """The event as it is kept, to be read."""
        return orjson.dumps(self.event, option=orjson.OPT_INDENT_2).decode(errors="replace")


@dataclass(slots=True)
class Group:
    """What is parked of one stream. `number` is the ticket's, if it is one's."""

    stream: str
    events: list[Aside] = field(default_factory=list)
    number: str = ""

    @property
    def since(self) -> str:
        """When the first of them was parked."""
        return min(one.since for one in self.events)

    @property
    def kind(self) -> str:
        """What it is a stream of."""
        return words(str(self.events[0].event.get("type") or "").split(".")[1])


async def _each(
    visit: Visit, names: Iterable[str], path: str, body: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Return what services answer, and those that do not just now: what the others have is shown, and done, all the same.

    Raises:
        ApiProblem: One refused.
    """

    async def ask(name: str) -> Any:
        try:
            if body is None:
                return await visit.api.get(f"/internal/{name}/parked{path}")
            return await visit.api.post(f"/internal/{name}/parked{path}", body, patience=PATIENCE)
        except ApiProblem as problem:
            if problem.status != AWAY:
                raise
            return None

    asked = list(names)
    found = dict(zip(asked, await asyncio.gather(*map(ask, asked)), strict=True))
    return {n: a for n, a in found.items() if a is not None}, [n for n, a in found.items() if a is None]


def grouped(answers: Answers) -> list[Group]:
    """Return what services have parked, by stream, that first which waits longest; within it by owner and version. Pure."""
    groups: dict[str, Group] = {}
    known: dict[tuple[str, str], Aside] = {}
    for service, answer in answers.items():
        for one in answer["parked"]:
            event = one["event"]
            group = groups.setdefault(event["stream_id"], Group(event["stream_id"]))
            aside = known.get((group.stream, event["event_id"]))
            if aside is None:
                aside = known[group.stream, event["event_id"]] = Aside(event, one["parked_at"])
                group.events.append(aside)
            aside.since = min(aside.since, one["parked_at"])
            place = {"service": service, "view": one["view"], "reason": one["reason"], "why": why(one["reason"])}
            aside.places.append(place)
    for group in groups.values():
        group.events.sort(key=lambda one: (str(one.event["source"]), int(one.event["version"])))
    return sorted(groups.values(), key=lambda group: group.since)


async def _named(visit: Visit, groups: Sequence[Group]) -> None:
    """Fill in tickets' numbers: from our own view, or from what is parked where even that does not know the ticket."""
    rows = await visit.gateway.pool.fetch(
        "SELECT stream_id, number FROM ticket WHERE stream_id = ANY ($1)", [UUID(group.stream) for group in groups]
    )
    numbers = {str(row["stream_id"]): row["number"] for row in rows}
    for group in groups:
        said = [
            one.event["data"].get("number") for one in group.events if one.event["type"] == "ledgerdesk.ticket.created"
        ]
        group.number = numbers.get(group.stream) or next((str(number) for number in said if number), "")


async def _given_up(visit: Visit, answers: Answers) -> list[dict[str, Any]]:
    """Return what was discarded, the last first, with who did it by name."""
    found = [{**one, "service": name} for name, answer in answers.items() for one in answer["discarded"]]
    last = sorted(found, key=lambda one: str(one["discarded_at"]), reverse=True)[:SHOWN]
    ids = {UUID(one["discarded_by"][7:]) for one in last if one["discarded_by"].startswith("person:")}
    people = await visit.gateway.directory.people(ids)
    for one in last:
        kind, _colon, ident = one["discarded_by"].partition(":")
        who = people.get(UUID(ident)) if kind == "person" else None
        one["who"] = who.shown["name"] or who.shown["login"] if who else one["discarded_by"]
        one["name"], one["reason"] = named(one["type"]), why(one["reason"])
    return last


@router.get("/admin/parked")
async def show_parked(visit: VisitDep) -> Response:
    """Show what is parked, by what it is of, and what was given up."""
    await only_administrators(visit)
    answers, away = await _each(visit, SERVICES, "")
    groups = grouped(answers)
    await _named(visit, groups)
    unseen = sum(answer["count"] - len(answer["parked"]) for answer in answers.values())
    return visit.page(
        "admin_parked.html", groups=groups, away=away, unseen=unseen, discarded=await _given_up(visit, answers),
    )  # fmt: skip


@router.get("/admin/dead-letters")
async def show_dead_letters(visit: VisitDep) -> Response:
    """Show the last records that are no events: what they say, whatever it is, and what is wrong with it."""
    await only_administrators(visit)
    letters = (await visit.api.get("/internal/dead-letters"))["items"]
    for one in letters:
        one["when"] = rfc3339(datetime.fromtimestamp(one["at"] / 1000, UTC))
    return visit.page("admin_dead_letters.html", letters=letters)


@router.post("/admin/parked/retry")
async def retry_parked(visit: VisitDep) -> Response:
    """Try again: all that is parked, or what is parked of one stream.

    Raises:
        ApiProblem: A service refused.
    """
    form = await visit.form()
    await only_administrators(visit)
    answers, away = await _each(visit, SERVICES, "/retry", {"stream": form.get("stream") or None})
    healed, due, left = (sum(answer[what] for answer in answers.values()) for what in ("healed", "reactions", "left"))
    said = [
        _("%(healed)s healed, %(due)s to be reacted to again, %(left)s left.")
        % {"healed": healed, "due": due, "left": left}
    ]
    visit.say(" ".join(said + _silent(away)), kind="error" if away else "success")
    return visit.go("/admin/parked")


def _silent(away: Sequence[str]) -> list[str]:
    return [_("Nothing was done where no answer came: %(services)s.") % {"services": ", ".join(away)}] if away else []


async def _confirmation(
    visit: Visit, stream: UUID, chosen: Sequence[str] | None = None, reason: str = "", problem: ApiProblem | None = None
) -> Response:
    answers, away = await _each(visit, SERVICES, f"?stream={stream}")
    groups = grouped(answers)
    if not groups:
        raise ApiProblem(NOT_FOUND, _("Nothing parked"), _("Nothing of it is parked any more."))
    await _named(visit, groups)
    return visit.page(
        "admin_discard.html", problem.status if problem else 200, group=groups[0], away=away, reason=reason, problem=problem,
        chosen=[one.ident for one in groups[0].events if one.holds] if chosen is None else chosen,
    )  # fmt: skip


@router.get("/admin/parked/{stream}/discard")
async def ask_discard(stream: Stream, visit: VisitDep) -> Response:
    """Show what would be given up, and ask why."""
    await only_administrators(visit)
    return await _confirmation(visit, stream)


@router.post("/admin/parked/{stream}/discard")
async def discard_parked(stream: Stream, visit: VisitDep) -> Response:
    """Give up those events of a stream that were ticked, in every view that has them parked.

    Raises:
        ApiProblem: A service refused.
    """
    form = await visit.form(lists=("events",))
    await only_administrators(visit)
    events, reason = [one for one in form["events"].split("\n") if one], form.get("reason", "").strip()
    wrong = {} if events else {"events": _("Tick what is to be discarded.")}
    wrong |= {} if reason else {"reason": _("Say why: it is kept, and nobody can ask you later.")}
    if wrong:
        problem = ApiProblem(INVALID, _("Not discarded"), _("Nothing has been discarded."), wrong)
        return await _confirmation(visit, stream, events, reason, problem)
    body = {"stream": str(stream), "events": events, "reason": reason}
    try:
        answers, away = await _each(visit, SERVICES, "/discard", body)
    except ApiProblem as problem:
        if problem.status != INVALID:
            raise
        return await _confirmation(visit, stream, events, reason, problem)
    given, healed, undone = (sum(a[what] for a in answers.values()) for what in ("discarded", "healed", "reactions"))
    said = [ngettext("Discarded in %(count)s view.", "Discarded in %(count)s views.", given) % {"count": given}]
    said += [_("%(count)s folded behind it.") % {"count": healed}] if healed else []
    said += [_("%(count)s reactions given up.") % {"count": undone}] if undone else []
    visit.say(" ".join(said + _silent(away)), kind="error" if away else "success")
    return visit.go("/admin/parked")
