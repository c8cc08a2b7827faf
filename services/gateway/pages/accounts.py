"""Accounts: who can sign in, and as what. People are invited, given roles, put out and taken back, each step through its owner."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Path, Response

from services.gateway.pages.choices import Choice
from services.gateway.pages.client import ApiClient, ApiProblem
from services.gateway.pages.configuring.form import changes
from services.gateway.pages.configuring.pages import only_administrators
from services.gateway.pages.language import _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Form, Visit, VisitDep
from shared.directory.people import Directory, Person
from shared.directory.shown import actor_shown

router = APIRouter(route_class=PageRoute)

SIGNED_OUT, NOT_FOUND, STALE, INVALID = 401, 404, 412, 422
ROLES = ("requester", "agent", "lead", "analyst", "administrator")
"""What people are. The role `system` is for programs: keys have it."""
WORKS = {"agent", "lead"}
LOOKS, PAUSE = 60, 0.05
TRIES = 5
"""How often an agent's entry is read again that somebody else has changed in between."""
HISTORY = 50

PersonId = Annotated[UUID, Path()]


def refused(fields: Mapping[str, str]) -> ApiProblem:
    """Return the refusal of a form by its fields."""
    return ApiProblem(INVALID, _("Not saved"), _("Nothing has been saved."), fields)


@dataclass(slots=True)
class Stored:
    """An account as the gateway's ledger has it: no view is asked, so it is never behind."""

    version: int = 0
    roles: Sequence[str] = ()
    active: bool = True
    personal: Mapping[str, str] = field(default_factory=dict)
    history: Sequence[dict[str, Any]] = ()


async def stored(visit: Visit, person_id: UUID) -> Stored:
    """Return an account from its owner.

    Raises:
        ApiProblem: 404, there is none.
    """
    events = await visit.api.lines(f"/internal/gateway/streams/{person_id}")
    said = [event for event in events if event["type"] == "ledgerdesk.account.configured"]
    if not said:
        raise ApiProblem(NOT_FOUND, _("Not found"), _("There is no such account."))
    ids = {UUID(event["actor"]["id"]) for event in said if event["actor"]["kind"] == "person"}
    people = await visit.gateway.directory.people(ids)
    history, before = [], None
    for event in said:
        after = {
            "name": (event.get("personal") or {}).get("name"),
            "roles": event["data"]["roles"],
            "active": event["data"].get("active", True),
        }
        history.append(
            {
                **event,
                "changed": changes(before, after),
                "who": actor_shown(people, event["actor"], full=True),
                "is_new": before is None,
            }
        )
        before = after
    last = said[-1]
    return Stored(
        events[-1]["version"], last["data"]["roles"], last["data"].get("active", True), last.get("personal") or {},
        list(reversed(history[-HISTORY:])),
    )  # fmt: skip


def chosen_roles(form: Form) -> list[str]:
    """Return the roles that were ticked."""
    return [role for role in form.get("roles", "").split("\n") if role]


@router.get("/admin/accounts")
async def show_accounts(visit: VisitDep) -> Response:
    """Show who can sign in."""
    await only_administrators(visit)
    return visit.page("admin_accounts.html", accounts=(await visit.api.get("/accounts"))["items"])


async def _invitation(visit: Visit, form: Form | None = None, problem: ApiProblem | None = None) -> Response:
    departments = [
        Choice(e["key"], e["name"])
        for e in await visit.gateway.directory.entries("department")
        if e.get("active", True)
    ]
    return visit.page(
        "admin_invite.html", problem.status if problem else 200, form=form or {}, problem=problem, fields=problem.fields if problem else {},
        roles=ROLES, departments=departments,
    )  # fmt: skip


@router.get("/admin/accounts/new")
async def show_invitation(visit: VisitDep) -> Response:
    """Show the form that invites somebody."""
    await only_administrators(visit)
    return await _invitation(visit)


@router.post("/admin/accounts/new")
async def invite(visit: VisitDep) -> Response:
    """Open an account, and show its one-time link this once."""
    form = await visit.form(lists=("roles", "departments"))
    await only_administrators(visit)
    try:
        person_id, login = await open_account(
            visit.api, visit.gateway.directory, login=form.get("login", "").strip(), name=form.get("name", "").strip(), email=form.get("email", "").strip(),
            roles=chosen_roles(form), departments=[key for key in form.get("departments", "").split("\n") if key],
        )  # fmt: skip
        link = await visit.api.post(f"/accounts/{quote(login, safe='')}/links", None, form.get("key"))
    except ApiProblem as problem:
        if problem.status == SIGNED_OUT:
            raise
        return await _invitation(visit, form, named(problem))
    return await _account(visit, person_id, link=link)


def named(problem: ApiProblem) -> ApiProblem:
    """Return an owner's refusal with its places called as the form calls them: `body.accounts.0.login` is the login."""
    fields = {
        place.rpartition(".")[2] if not place.rpartition(".")[2].isdecimal() else place.split(".")[-2]: said
        for place, said in problem.fields.items()
    }
    return ApiProblem(problem.status, problem.title, problem.detail, fields)


async def check_account(directory: Directory, *, login: str, name: str, email: str, roles: Sequence[str]) -> None:
    """See to it that an account can be opened, before anything is made.

    Raises:
        ApiProblem: Something is missing or taken.
    """
    missing = _("is needed")
    wrong = {key: missing for key, value in (("login", login), ("name", name), ("email", email)) if not value}
    wrong |= {} if roles else {"roles": _("Choose one at least.")}
    if not set(roles) <= set(ROLES):
        wrong["roles"] = _("There is no such role.")
    if wrong:
        raise refused(wrong)
    for key, value in (("login", login), ("email", email.lower())):
        taken = await directory.by_login(value)
        if taken is not None and taken.account is not None:
            raise refused({key: _("Somebody has an account with this already.")})


async def open_account(
    api: ApiClient,
    directory: Directory,
    *,
    login: str,
    name: str,
    email: str,
    roles: Sequence[str],
    departments: Sequence[str] = (),
    beside: Mapping[str, Any] | None = None,
) -> tuple[UUID, str]:
    """Open somebody's account, with an agent's entry if he works tickets, and wait until the gateway knows it.

    `beside` is what else routing is to configure with the agent: his department may be as new as he is.

    Raises:
        ApiProblem: Something is missing or taken, or an owner refused.
    """
    await check_account(directory, login=login, name=name, email=email, roles=roles)
    known = await api.put("/internal/intake/organisation", {"people": [{"email": email, "name": name}]})
    person_id = UUID(next(iter(known["people"].values())))
    account = {"person_id": str(person_id), "login": login, "name": name, "email": email, "roles": list(roles)}
    if set(roles) & WORKS:  # first: should what follows fail, it can all be done again
        agent = {one: account[one] for one in ("person_id", "login", "name", "email")} | {
            "departments": list(departments)
        }
        await api.put("/internal/routing/organisation", {**(beside or {}), "agents": [agent]})
        await _until(directory, person_id, lambda person: person.agent is not None)
    await _put_account(api, account, None)
    await _until(directory, person_id, lambda person: person.login == login and person.account is not None)
    return person_id, login


async def _put_account(api: ApiClient, account: Mapping[str, Any], version: int | None) -> None:
    await api.put(
        "/internal/gateway/organisation", {"accounts": [account]}, if_match=None if version is None else str(version)
    )


async def _until(directory: Directory, person_id: UUID, holds: Callable[[Person], bool]) -> None:
    """Wait, not for long, until the gateway's own copy shows what was written."""
    for _look in range(LOOKS):
        person = await directory.by_id(person_id)
        if person is not None and holds(person):
            return
        await asyncio.sleep(PAUSE)


async def _account(
    visit: Visit, person_id: UUID, *, form: Form | None = None, problem: ApiProblem | None = None, link: Any = None
) -> Response:
    account = await stored(visit, person_id)
    person = await visit.gateway.directory.by_id(person_id)
    return visit.page(
        "admin_account.html", problem.status if problem else 200, account=account, person_id=person_id, link=link, problem=problem,
        fields=problem.fields if problem else {}, roles=[*ROLES, *(role for role in account.roles if role not in ROLES)], me=_is_me(visit, account),
        chosen=chosen_roles(form) if form else account.roles, active="active" in form if form else account.active,
        name=form.get("name", "") if form else account.personal.get("name", ""), agent=person.agent if person else None,
    )  # fmt: skip


def _is_me(visit: Visit, account: Stored) -> bool:
    return bool(visit.me.get("login")) and account.personal.get("login") == visit.me["login"]


@router.get("/admin/accounts/{person_id}")
async def show_account(person_id: PersonId, visit: VisitDep) -> Response:
    """Show an account, and its history."""
    await only_administrators(visit)
    return await _account(visit, person_id)


@router.post("/admin/accounts/{person_id}")
async def save_account(person_id: PersonId, visit: VisitDep) -> Response:
    """Change name, roles, and whether the account is in force."""
    form = await visit.form(lists=("roles",))
    await only_administrators(visit)
    before = await stored(visit, person_id)
    roles, active = chosen_roles(form), "active" in form
    version = int(form["etag"]) if form.get("etag", "").isdecimal() else 0
    try:
        if not roles:
            raise refused({"roles": _("Choose one at least.")})
        if not set(roles) <= {*ROLES, *before.roles}:
            raise refused({"roles": _("There is no such role.")})
        if _is_me(visit, before) and not (active and "administrator" in roles):
            raise refused({"roles": _("This is your own account: another administrator must take this from you.")})
        said = {key: before.personal[key] for key in ("login", "email") if key in before.personal}
        account = {
            **said,
            "person_id": str(person_id),
            "name": form.get("name", "").strip() or None,
            "roles": roles,
            "active": active,
        }
        await _put_account(visit.api, account, version)
        await _follow(visit, person_id, account, before)
    except ApiProblem as problem:
        if problem.status == SIGNED_OUT:
            raise
        if problem.status == STALE:
            changed = _("Somebody else has changed it since you opened it. Nothing has been saved.")
            problem = ApiProblem(STALE, problem.title, changed)
        return await _account(visit, person_id, form=form, problem=named(problem))
    await _until(
        visit.gateway.directory, person_id, lambda one: one.account is not None and set(one.account["roles"]) == set(roles) and one.account.get("active", True) == active
    )  # fmt: skip
    visit.say(_("Saved. It holds in every service within about a second."))
    return visit.go(f"/admin/accounts/{person_id}")


async def _follow(visit: Visit, person_id: UUID, account: Mapping[str, Any], before: Stored) -> None:
    """Have routing follow, where somebody begins or ceases to work tickets: who cannot sign in is given none.

    An agent who was made inactive by himself (on his own page) stays so while nothing of this changes.
    """
    works, worked = (
        bool(now and set(roles) & WORKS)
        for now, roles in ((account["active"], account["roles"]), (before.active, before.roles))
    )
    if works == worked and account["active"]:
        return
    who = {key: account.get(key) for key in ("person_id", "login", "name", "email")}
    for left in reversed(range(TRIES)):
        entry, version = await _agent(visit.api, person_id)
        if not works and not entry.get("active", bool(entry)):
            return
        said = {"agents": [{**entry, **who, "active": works}]}
        try:
            await visit.api.put("/internal/routing/organisation", said, if_match=str(version))
        except ApiProblem as problem:
            if problem.status != STALE or not left:
                raise
        else:
            return


async def _agent(api: ApiClient, person_id: UUID) -> tuple[Mapping[str, Any], int]:
    """Return an agent's entry from its owner, empty where there is none, and its version: no view is asked, so it is never behind."""
    events = await api.lines(f"/internal/routing/streams/{person_id}")
    said = [event["data"]["new"] for event in events if "new" in event["data"]]
    entry = {key: value for key, value in said[-1].items() if key != "version"} if said else {}
    return entry, events[-1]["version"] if events else 0


@router.post("/admin/accounts/{person_id}/{act}")
async def act_on_account(person_id: PersonId, act: Annotated[str, Path(max_length=20)], visit: VisitDep) -> Response:
    """Issue a new one-time link, switch one-time codes off, or end all sessions.

    Raises:
        ApiProblem: 404, there is no such act; or the API refused.
    """
    form = await visit.form()
    await only_administrators(visit)
    login = (await stored(visit, person_id)).personal.get("login", "")
    path = f"/accounts/{quote(login, safe='')}"
    match act:
        case "link":
            link = await visit.api.post(f"{path}/links", None, form.get("key"))
            return await _account(visit, person_id, link=link)
        case "codes":
            await visit.api.delete(f"{path}/totp", form.get("key"))
            visit.say(_("One-time codes are off for this account."))
        case "sessions":
            await visit.api.delete("/sessions", form.get("key"), [("of", login)])
            visit.say(_("All sessions of this account have ended."))
        case _other:
            raise ApiProblem(NOT_FOUND, _("Not found"), _("There is no such thing to do."))
    return visit.go(f"/admin/accounts/{person_id}")
