"""The first visit: a stack that nobody can sign in to greets whoever has the administrator's key, and leads to a desk that works.

Nothing is open meanwhile: without the key nobody becomes anybody. Once there is an account, the first page is gone.
"""

import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from services.gateway.api import Gateway
from services.gateway.pages.accounts import check_account, named, open_account, refused
from services.gateway.pages.client import ApiClient, ApiProblem
from services.gateway.pages.configuring.pages import only_administrators
from services.gateway.pages.door import TOO_OLD, is_own_form, outside_form, outside_page
from services.gateway.pages.language import _
from services.gateway.pages.route import PageRoute
from services.gateway.pages.sign_in import gateway_of, let_in, nobody_yet
from services.gateway.pages.visit import Form, Visit, VisitDep
from services.gateway.signing_in import Origin
from shared.directory.people import Directory

router = APIRouter(route_class=PageRoute)

LEAST_PASSWORD, MOST_PASSWORD = 8, 200
FORBIDDEN, STALE, INVALID, SIGNED_OUT = 403, 412, 422, 401
PATIENCE = 120.0
"""Seconds for an organisation's file."""
_NO_KEY = re.compile(r"[^a-z0-9]+")


async def no_desk_yet(directory: Directory) -> bool:
    """Whether no department is configured."""
    return not await directory.entries("department")


def key_of(name: str, otherwise: str) -> str:
    """Return a key for something that people have named. Pure."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NO_KEY.sub("-", plain).strip("-")[:60] or otherwise


def _first_page(
    request: Request, status: int = 200, form: Form | None = None, problem: ApiProblem | None = None
) -> Response:
    has_key = bool(request.app.state.settings.admin_api_key.get_secret_value())
    return outside_page(
        request, "welcome.html", status, form=form or {}, problem=problem, fields=problem.fields if problem else {}, has_key=has_key
    )  # fmt: skip


@router.get("/welcome")
async def show_welcome(request: Request) -> Response:
    """Greet the first visitor; anybody later goes on to the sign-in page."""
    if not await nobody_yet(gateway_of(request)):
        return RedirectResponse("/", 303)
    return _first_page(request)


@router.post("/welcome")
async def make_first_account(request: Request) -> Response:
    """Make the first administrator's account, for who has the administrator's key, and sign in."""
    form = await outside_form(request)
    gateway = gateway_of(request)
    if not await nobody_yet(gateway):
        return RedirectResponse("/", 303)
    try:
        login, password = await _first_account(request, gateway, form)
    except ApiProblem as problem:
        return _first_page(request, problem.status, form, named(problem))
    session = gateway.sign_ins.by_password(login, password, None, Origin.of(request))
    return await let_in(request, session, "/welcome/desk")


async def _first_account(request: Request, gateway: Gateway, form: Form) -> tuple[str, str]:
    """Make the account, and return login and password.

    Raises:
        ApiProblem: The key is another, the form is not ours, or something in it is wrong: then nothing was made.
    """
    if not is_own_form(request, form):
        raise ApiProblem(FORBIDDEN, _("Not done"), TOO_OLD)
    key, ours = form.get("secret", "").strip(), gateway.settings.admin_api_key.get_secret_value()
    if not ours or not hmac.compare_digest(key.encode(), ours.encode()):
        raise refused({"secret": _("This is not the administrator's key of this stack.")})
    await _check_password(gateway, form)
    api = ApiClient(request, key)
    login, name, email = (form.get(one, "").strip() for one in ("login", "name", "email"))
    await open_account(api, gateway.directory, login=login, name=name, email=email, roles=["administrator"])
    await api.put(f"/accounts/{quote(login, safe='')}/password", {"password": form["password"]})
    return login, form["password"]


async def _check_password(gateway: Gateway, form: Form) -> None:
    """See to it that the password is one, before anything is made.

    Raises:
        ApiProblem: It is none.
    """
    password = form.get("password", "")
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD or "\x00" in password:
        message = _("A password has %(least)s to %(most)s characters.") % {
            "least": LEAST_PASSWORD,
            "most": MOST_PASSWORD,
        }
        raise refused({"password": message})
    if password != form.get("again", ""):
        raise refused({"again": _("The two are not the same. Type both again.")})
    about = tuple(form.get(one) or None for one in ("login", "name", "email"))
    weakness = await gateway.sign_ins.passwords.weakness(password, about)
    if weakness:
        raise refused({"password": weakness})


async def _desk_page(
    visit: Visit, form: Form | None = None, problem: ApiProblem | None = None, **done: Any
) -> Response:
    return visit.page(
        "welcome_desk.html", problem.status if problem else 200, form=form or {}, problem=problem, fields=problem.fields if problem else {},
        empty=await no_desk_yet(visit.gateway.directory), **{"link": None, "agent": "", "again": False, **done},
    )  # fmt: skip


@router.get("/welcome/desk")
async def show_desk(visit: VisitDep) -> Response:
    """Show what a desk needs to begin with: a department, a topic, somebody who works."""
    await visit.start()
    if "administrator" not in visit.roles:
        return visit.go("/queue")
    return await _desk_page(visit)


@router.post("/welcome/desk")
async def make_desk(visit: VisitDep) -> Response:
    """Make the first department and topic, and the first agent's account if one is named."""
    form = await visit.form()
    await only_administrators(visit)
    try:
        link = await _begin(visit, form)
    except ApiProblem as problem:
        if problem.status == SIGNED_OUT:
            raise
        return await _desk_page(visit, form, _of_agent(named(problem)), again=True)
    return await _desk_page(visit, form, link=link, agent=form.get("agent_name", "").strip(), made=True)


async def _begin(visit: Visit, form: Form) -> Any:
    """Make department, topic, routes, and the agent's account if one is named; return the agent's link.

    What is wrong is said before anything is made. If something fails all the same, the form can be sent again: what is there
    already stays as it is, and the rest is made.

    Raises:
        ApiProblem: Something is missing, an owner refused, or the desk has other departments.
    """
    department, topic = (form.get(one, "").strip() for one in ("department", "topic"))
    wrong = {one: _("is needed") for one, value in (("department", department), ("topic", topic)) if not value}
    if wrong:
        raise refused(wrong)
    where = _key_among(await visit.gateway.directory.entries("department"), department)
    agent = {one: form.get(f"agent_{one}", "").strip() for one in ("login", "name", "email")}
    to_open = any(agent.values()) and not await _is_invited(gateway_of(visit.request), agent)
    if to_open:
        await check_account(visit.gateway.directory, **agent, roles=["agent"])
    try:
        await _name_desk(visit, form.get("desk", "").strip())
        await _make(visit, (where, department), topic, agent if to_open else None)
        if not any(agent.values()):
            return None
        return await visit.api.post(f"/accounts/{quote(agent['login'], safe='')}/links", None, form.get("key"))
    except ApiProblem as problem:
        again = _("What was made stays: correct what is marked, if anything is, and send the form again.")
        raise ApiProblem(problem.status, problem.title, f"{problem.detail} {again}", problem.fields) from problem


def _key_among(departments: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return the key of the desk's one department, the new one or that which this form has made before. Pure.

    Raises:
        ApiProblem: There are others.
    """
    key = key_of(name, "support")
    if not departments:
        return key
    mine = [one["key"] for one in departments if one["key"] == key or one["name"] == name]
    if mine and len(departments) == 1:
        return str(mine[0])
    said = _("This desk has departments already: change them under Organisation.")
    names = ", ".join(one["name"] for one in departments)
    raise ApiProblem(INVALID, _("Not saved"), said, {"department": _("There is already: %(names)s", names=names)})


async def _is_invited(gateway: Gateway, agent: Mapping[str, str]) -> bool:
    """Whether this form has opened this very account before, and nobody has used its link yet: then another link is issued."""
    person = await gateway.directory.by_login(agent["login"])
    if person is None or person.account is None or not person.account.get("active", True):
        return False
    if (person.login, person.email, person.account["roles"]) != (agent["login"], agent["email"].lower(), ["agent"]):
        return False
    return (await gateway.sign_ins.credentials_of(person.person_id)).password is None


async def _make(visit: Visit, department: tuple[str, str], topic: str, agent: Mapping[str, str] | None) -> None:
    """Make what is not there of department (key and name), topic and routes, and open the agent's account if one is to be."""
    directory, (where, name), what = visit.gateway.directory, department, key_of(topic, "general")
    if await directory.entry("topic", what) is None:
        await visit.api.put("/internal/intake/organisation", {"topics": [{"key": what, "name": topic}]})
    routed = {route["topic"] for route in await directory.entries("topic_route")}
    desk = {
        "departments": [{"key": where, "name": name}] if await directory.entry("department", where) is None else [],
        "topic_routes": [{"topic": one, "department": where} for one in (what, "*") if one not in routed],
    }
    said = {**desk, "known": {"topic": [what]}}  # which routing may not have heard of yet
    if agent is not None:
        await open_account(visit.api, directory, **agent, roles=["agent"], departments=[where], beside=said)
    elif any(desk.values()):
        await visit.api.put("/internal/routing/organisation", said)


async def _name_desk(visit: Visit, name: str) -> None:
    """Give the desk a name, if one is said and it has no brand yet.

    Raises:
        ApiProblem: It is too long.
    """
    if not name or await visit.gateway.directory.entry("branding", "desk") is not None:
        return
    try:
        await visit.api.put("/internal/gateway/organisation", {"branding": {"name": name}}, if_match="0")
    except ApiProblem as problem:
        if problem.status == STALE:
            return  # a second try of this very form: it has its name
        raise ApiProblem(problem.status, problem.title, problem.detail, {"desk": problem.detail}) from problem


def _of_agent(problem: ApiProblem) -> ApiProblem:
    """Return a refusal whose account's fields are called as this form calls them."""
    fields = {
        f"agent_{name}" if name in {"login", "name", "email"} else name: said for name, said in problem.fields.items()
    }
    return ApiProblem(problem.status, problem.title, problem.detail, fields)


@router.post("/welcome/organisation")
async def load_organisation(visit: VisitDep) -> Response:
    """Apply an organisation file, or the example's."""
    form = await visit.form()
    await only_administrators(visit)
    sent = (await visit.request.form()).get("file")
    try:
        if form.get("what") == "example":
            body: dict[str, Any] = {"example": True}
        elif sent is None or isinstance(sent, str) or not sent.filename:
            raise refused({"file": _("Choose a file.")})
        else:
            body = {"file": (await sent.read()).decode()}
        done = await visit.api.put("/internal/organisation", body, patience=PATIENCE)
    except UnicodeDecodeError:
        return await _desk_page(visit, form, refused({"file": _("This is no text.")}))
    except ApiProblem as problem:
        if problem.status == SIGNED_OUT:
            raise
        return await _desk_page(visit, form, named(problem))
    visit.say(_("The organisation is applied: %(count)s entries changed.") % {"count": sum(done["changed"].values())})
    return visit.go("/admin/organisation/department")
