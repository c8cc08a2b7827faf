"""One's own profile: password, one-time codes, sessions."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from markupsafe import Markup

from services.gateway.api.second_factor import qr_code
from services.gateway.pages.client import ApiProblem
from services.gateway.pages.language import N_, _
from services.gateway.pages.refusals import in_words
from services.gateway.pages.route import PageRoute
from services.gateway.pages.visit import Visit, VisitDep

router = APIRouter(route_class=PageRoute)
DOORS = {"password": N_("password"), "link": N_("one-time link")}


def door_in_words(visit: Visit, door: str | None) -> str:
    """Return how a session began, as people say it."""
    first, code = (door or "").partition("+")[::2]
    providers = {f"oidc:{one.key}": one.name for one in visit.settings.oidc_providers}
    said = _(DOORS[first]) if first in DOORS else providers.get(first, "")
    return _("%(door)s and code", door=said) if code else said


def browser_in_words(browser: str | None) -> str:
    """Return which browser a session is of, as the API tells it: "Chrome on Linux"."""
    name, on, system = (browser or "").partition(" on ")
    return _("%(browser)s on %(system)s", browser=name, system=system) if on else name


async def _page(visit: Visit, status: int = 200, **context: Any) -> Response:
    codes, sessions = await visit.start(visit.api.get("/me/totp"), visit.api.get("/sessions"))
    items = [
        {
            **one,
            "browser": browser_in_words(one["browser"]),
            "how": door_in_words(visit, one["door"]),
            "last_seen": max(one["last_seen"] or "", one["started_at"] or ""),
        }
        for one in sessions["items"]
    ]  # last seen is told to ten minutes, which may be before it began
    shown: dict[str, Any] = {"problem": None, "where": None, "offered": None, "recovery": None, "done": None, **context}
    return visit.page("profile.html", status, section="profile", codes=codes, sessions=items, **shown)


async def _refused(visit: Visit, problem: ApiProblem, where: str, **context: Any) -> Response:
    message = next((f"{text[:1].upper()}{text[1:]}." for text in problem.fields.values()), in_words(problem.detail))
    return await _page(visit, problem.status, problem=message, where=where, **context)


def _body(form: dict[str, str], *names: str) -> dict[str, str]:
    return {name: form[name].strip() if name == "code" else form[name] for name in names if form.get(name)}


@router.get("/profile")
async def show(visit: VisitDep) -> Response:
    """Show it."""
    return await _page(visit)


@router.post("/profile/password")
async def change_password(visit: VisitDep) -> Response:
    """Set a new password."""
    form = await visit.form()
    await visit.start()
    if form.get("password") != form.get("again"):
        return await _page(visit, 422, where="password", problem=_("The two are not the same. Type both again."))
    login = quote(visit.me["login"] or visit.me["email"], safe="")
    try:
        await visit.api.put(f"/accounts/{login}/password", _body(form, "password", "current"))
    except ApiProblem as problem:
        return await _refused(visit, problem, "password")
    return await _page(visit, done=_("Your password is new, and your other sessions have ended."))


@router.post("/profile/codes")
async def begin_codes(visit: VisitDep) -> Response:
    """Offer a secret."""
    form = await visit.form()
    try:
        offered = await visit.api.post("/me/totp", _body(form, "current"))
    except ApiProblem as problem:
        return await _refused(visit, problem, "codes")
    return await _page(visit, offered=_shown(offered["uri"], offered["secret"]))


def _shown(uri: str, secret: str) -> dict[str, Any]:
    return {"uri": uri, "secret": secret, "qr": Markup(qr_code(uri))}  # noqa: S704 -- our own drawing: nothing of it is anybody's text


@router.post("/profile/codes/confirm")
async def confirm_codes(visit: VisitDep) -> Response:
    """Confirm it by a code, and show the recovery codes, this once."""
    form = await visit.form()
    try:
        made = await visit.api.post("/me/totp/confirm", {"code": form.get("code", "").strip()})
    except ApiProblem as problem:
        uri, secret = form.get("uri", ""), form.get("secret", "")
        offered = _shown(uri, secret) if uri.startswith("otpauth://") and len(uri) < 1000 else None  # noqa: PLR2004 -- a long URI
        return await _refused(visit, problem, "codes", offered=offered)
    return await _page(visit, recovery=made["recovery_codes"])


@router.post("/profile/codes/recovery")
async def new_recovery(visit: VisitDep) -> Response:
    """Make new recovery codes, and show them, this once."""
    form = await visit.form()
    try:
        made = await visit.api.post("/me/totp/recovery-codes", _body(form, "current", "code"))
    except ApiProblem as problem:
        return await _refused(visit, problem, "codes")
    return await _page(visit, recovery=made["recovery_codes"])


@router.post("/profile/codes/remove")
async def remove_codes(visit: VisitDep) -> Response:
    """Ask for no codes any more."""
    form = await visit.form()
    try:
        await visit.api.post("/me/totp/remove", _body(form, "current", "code"))
    except ApiProblem as problem:
        return await _refused(visit, problem, "codes")
    return await _page(visit, done=_("Signing in takes no code any more."))


@router.post("/profile/sessions")
async def end_sessions(visit: VisitDep) -> Response:
    """End one session, or all others."""
    form = await visit.form()
    which = form.get("session", "")
    try:
        if which:
            await visit.api.delete(f"/sessions/{quote(which, safe='')}")
        else:
            await visit.api.delete("/sessions", params=[("keep_current", "true")])
    except ApiProblem as problem:
        return await _refused(visit, problem, "sessions")
    return await _page(visit, done=_("That session has ended.") if which else _("All your other sessions have ended."))
