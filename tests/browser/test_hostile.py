"""Stored cross-site scripting, tried in every text that a page lets anybody write: it stays text on every page that shows it.

A stack of its own: its organisation's names, helps and texts are attacks, its people attack every form they find, and then every
page that can be reached by links is read by everybody.
"""

import json
import re
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
import yaml
from playwright.async_api import Browser, Page
from playwright.async_api import Error as PlaywrightError

from services.gateway.pages.assets import theme_script
from services.gateway.pages.moves import AT_ONCE, MOVES, WRITING
from shared.testing.wait import wait_until, wait_until_async
from tests.browser.conftest import demo_stack
from tests.browser.desk import ROOT, People, Stack

ATTACK = "\"'><img src=x onerror=owned()><svg onload=owned()>"
LONG = (
    ATTACK
    + "\n\n<script>owned()</script></textarea><b onclick=owned()>\n\n[x](javascript:owned()) ![y](javascript:owned()) <a href='data:text/html,x'>z</a>"
)
WORDS = {"name", "help", "body", "label", "support", "description"}
"""Of an organisation file: what people read. The rest are keys and choices."""
JANES = ("/queue?tab=all", "/queues/new", "/dashboards", "/reports/volumes", "/kb/new", "/kb", "/profile")
ADAS = (
    "/admin/keys",
    "/admin/accounts/new",
    "/admin/accounts",
    "/welcome/desk",
    "/admin/audit",
    "/admin/dead-letters",
    "/admin/form?topic=mail",
)

SUSPECT = """() => {
  const bad = window.wasOwned ? ["a script ran"] : [];
  for (const one of document.querySelectorAll("*")) {
    if (["iframe", "object", "embed", "base"].includes(one.localName)) bad.push(one.outerHTML);
    const data = ["application/json", "importmap"].includes(one.type) || one.textContent === OURS;
    if (one.localName === "script" && !one.src && !data) bad.push(one.outerHTML);
    for (const { name, value } of one.attributes) {
      const leads = ["href", "src", "action", "formaction", "xlink:href", "hx-get", "hx-post"].includes(name);
      if (name.startsWith("on") || (leads && (/^\\s*(javascript|vbscript|data:text)/i.test(value) || value === "x"))) bad.push(`${name}=${value}`);
    }
  }
  return bad;
}""".replace("OURS", json.dumps(theme_script()))
"""The one script that stands in a page is ours, to the letter."""
FORMS = """() => [...document.querySelectorAll("form")]
  .map((form, place) => [place, form.querySelectorAll("textarea, input:is([type=text], [type=search], [type=url], :not([type]))").length])
  .filter(([place, texts]) => texts > 0).map(([place]) => place)"""
FILL = """([place, attack, long, given]) => {
  const form = document.querySelectorAll("form")[place];
  const filled = [];
  window.sent = true;
  for (const one of form.elements) {
    if (!one.name || one.readOnly || one.type === "hidden") continue;
    const last = one.name.split(".").at(-1);
    if (given[last]) one.value = given[last];
    else if (one.localName === "select") {
      const choices = [...one.options].filter((option) => option.value && !option.disabled);
      if (choices.length && !one.value && one.required) one.value = choices.at(-1).value;
    } else if (one.type === "email") one.value = `${given.key}@example.org`;
    else if (one.type === "radio") one.checked = true;
    else if (given.only && !given.only.includes(last)) continue;
    else if (one.localName === "textarea" || ["text", "search"].includes(one.type)) {
      one.value = one.localName === "textarea" ? long : attack;
      filled.push(one.name);
    }
  }
  HTMLFormElement.prototype.submit.call(form);
  return filled;
}"""
REFUSED = {
    *(f"/admin/organisation/{kind}/new {name}" for kind, names in (
        ("agent", ("e.name",)), ("branding", ("e.name", "e.support", "e.links.0.label", "e.links.1.label")),
        ("field", ("e.name", "e.help", "e.choices.0.name", "e.choices.1.name")),
        ("lifecycle", ("e.states.0.name", "e.states.1.name")),
    ) for name in names), "/admin/accounts/new name", "/admin/keys name", "/tickets/*/refer message", "/tickets/*/split subject",
}  # fmt: skip
"""Forms that want more than texts, so that the answer is a refusal which shows the attack. What can be configured came with the file."""
CONFIGURED = ["name", "help", "body", "label", "support", "reject", "domains", "comment"]
"""Of the forms of the organisation, what people read; of a queue's, what is looked for. The rest are keys, numbers and dates."""
LOOKED_FOR = ["name", "q", "tag", "requester", "serial", "of-mail"]


def hostile(value: Any) -> Any:
    """Return an organisation file's value with the attack behind every text that people read."""
    if isinstance(value, dict):
        return {
            name: f"{one} {ATTACK}" if name in WORDS and isinstance(one, str) else hostile(one)
            for name, one in value.items()
        }
    return [hostile(one) for one in value] if isinstance(value, list) else value


def organisation() -> dict[str, Any]:
    file = yaml.safe_load((ROOT / "examples" / "org.yaml").read_text())
    whole_week = [{"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": "00:00", "end": "24:00"}]
    file |= {
        "roles": [{"key": "senior", "name": "Senior", "permissions": ["ticket.close", "ticket.note"]}],
        "calendars": [{"key": "always", "name": "Round the clock", "zone": "Europe/Berlin", "hours": whole_week}],
        "sla_plans": [{"key": "gold", "name": "Gold", "calendar": "always", "targets": {"first_response": 60}}],
        "categories": [{"key": "networks", "name": "Networks"}],
        "lifecycle": {"states": [{"key": "in-review", "name": "In review", "status": "open", "public": True}]},
        "branding": {"name": "Desk", "support": "Ring us.", "links": [{"label": "Status", "url": "https://status.example/"}]},
    }  # fmt: skip
    for topic in ("network", "mail"):  # their tickets go to jane, who sees a text field too
        file["fields"].append(
            {"key": f"of-{topic}", "name": "Which", "help": "Read it off.", "type": "text", "topics": [topic]}
        )
    changed = hostile(file)
    assert isinstance(changed, dict)
    return changed


@pytest.fixture(scope="module")
def hostile_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose organisation attacks its readers."""
    path: Path = tmp_path_factory.mktemp("hostile") / "org.yaml"
    path.write_text(yaml.safe_dump(organisation()))
    with demo_stack() as one:
        answer = subprocess.run(
            [sys.executable, "-m", "ledgerdesk.cli", "org", "apply", str(path), "--data", str(one.data)], cwd=ROOT,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        yield one


@pytest.fixture
async def attackers(browser: Browser, hostile_stack: Stack) -> AsyncIterator[People]:
    several = People(browser, hostile_stack.url, expected=["Failed to load resource"])  # a refusal's status
    yield several
    for context in several.contexts:
        await context.close()
    assert several.complaints == []


LEAST = {"/": 9, "/admin": 50, "/sign-in": 2}
"""How many pages of different shapes links lead to, at least."""


@dataclass(eq=False)
class Attacker:
    """Somebody who fills every form of a page with attacks, and reads what comes of it."""

    page: Page
    given: dict[str, Any] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    searched: set[str] = field(default_factory=set)

    async def read(self, path: str) -> bool:
        """Read a page; returns whether there is one."""
        answer = await self.page.goto(path)
        await self.page.wait_for_load_state()
        self.found += [f"{path}: {one}" for one in await self.page.evaluate(SUSPECT)]
        return answer is not None and answer.ok

    async def attack(self, path: str) -> None:
        """Send every form of a page that has a text, each with attacks in all of its texts."""
        if not await self.read(path):
            return
        for place in await self.page.evaluate(FORMS):
            await self.page.goto(path)
            if place not in await self.page.evaluate(FORMS):
                continue  # what was sent before has made it superfluous
            form = self.page.locator("form").nth(place)
            action = shape(await form.get_attribute("action") or path)
            if await form.get_attribute("method") != "post":
                if action in self.searched:
                    continue  # it stands on every page
                self.searched.add(action)
            async with self.page.expect_response(lambda answer: answer.request.is_navigation_request()) as sent:
                filled = await self.page.evaluate(FILL, [place, ATTACK, LONG, self.given | given_for(path)])
            answer = await sent.value
            names = {f"{action} {name}" for name in filled}
            self.tried |= names
            if (answer.ok and answer.request.method == "GET") or answer.status == 303:
                self.taken |= names
            await wait_until_async(self._is_answered, message=f"an answer to {action}")
            self.found += [f"{path}, sent: {one}" for one in await self.page.evaluate(SUSPECT)]

    async def _is_answered(self) -> bool:
        """Whether the page that the form stood on has given way to its answer."""
        try:
            return bool(await self.page.evaluate("() => !window.sent && document.readyState === 'complete'"))
        except PlaywrightError:  # between two pages
            return False

    async def walk(self, start: str, limit: int = 400) -> set[str]:
        """Read all that links lead to, one page of each shape; returns the shapes."""
        seen, todo = {shape(start)}, deque([start])
        while todo and len(seen) < limit:
            path = todo.popleft()
            if not await self.read(path):
                continue
            for link in await self.page.eval_on_selector_all(
                "a[href]", "all => all.map((one) => one.getAttribute('href'))"
            ):
                there = urlsplit(urljoin(self.page.url, link))
                if there.netloc != urlsplit(self.page.url).netloc or there.path.startswith("/api/"):
                    continue
                if (kind := shape(there.path)) not in seen:
                    seen.add(kind)
                    todo.append(f"{there.path}?{there.query}")
        return seen


def given_for(path: str) -> dict[str, Any]:
    """Return what is no attack in the forms of a page: a key, and which of the others are texts."""
    only = (
        CONFIGURED if path.startswith(("/admin/", "/welcome")) else LOOKED_FOR if path.startswith("/queues") else None
    )
    key = f"evil-{uuid4().hex[:6]}"
    return {"key": key, "login": key, "only": only}


def shape(path: str) -> str:
    """Return a path without what is one ticket's or one entry's."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d{3,}|(?<=/entry/).*", "*", path.split("?", maxsplit=1)[0])


def tickets(stack: Stack) -> dict[str, str]:
    """Open a ticket for every move, in a state in which it can be made; returns their numbers."""
    numbers = {}
    with stack.api("ken@example.org") as ken, stack.api("jane@ledgerdesk.example") as jane:
        for verb in MOVES:
            answer = ken.post("/tickets", json={"subject": f"{verb} {ATTACK}", "body": LONG, "topic": "mail"})
            assert answer.status_code == 201, answer.text
            numbers[verb] = answer.json()["number"]
        wait_until(lambda: len(jane.get("/tickets?limit=100").json()["items"]) >= len(numbers), message="the tickets")
        jane.post(f"/tickets/{numbers['close']}/hold", json={"reason": LONG}).raise_for_status()
        for verb in ("reopen", "rating"):
            jane.post(f"/tickets/{numbers[verb]}/resolve", json={"resolution": LONG}).raise_for_status()
        jane.post(f"/tickets/{numbers['unmerge']}/merge", json={"into": numbers["claim"]}).raise_for_status()
        for verb, status in (("reopen", "resolved"), ("rating", "resolved"), ("unmerge", "merged")):
            wait_until(lambda v=verb, s=status: ken.get(f"/tickets/{numbers[v]}").json()["status"] == s, message=status)
    return numbers


async def configured(ada: Attacker) -> list[str]:
    """Return the forms of the organisation: a new one of every kind."""
    await ada.page.goto("/admin/organisation/topic")
    links = "all => all.map((one) => new URL(one.href).pathname)"
    kinds = await ada.page.eval_on_selector_all("a[href^='/admin/organisation/']", links)
    return [f"{kind}/new" for kind in sorted(set(kinds)) if kind.count("/") == 3]


async def test_no_text_becomes_markup(attackers: People, hostile_stack: Stack) -> None:
    numbers = tickets(hostile_stack)
    ken, jane, ada = [Attacker(await attackers.sign_in(login)) for login in ("ken", "jane", "ada")]
    moves = [f"/tickets/{n}/{verb}" for verb, n in numbers.items() if verb not in AT_ONCE | WRITING | {"rating"}]
    mine = f"/tickets/{numbers['message']}"
    jane.given = {
        "into": numbers["claim"],
        "ticket": numbers["watch"],
        "department": "support",
        "priority": "high",
        "team": "on-call",
        "minutes": "5",
    }
    places = {
        ken: [
            "/tickets/new?topic=hardware",
            "/tickets/new?topic=mail",
            mine,
            f"/tickets/{numbers['rating']}",
            "/profile",
        ],
        jane: [*moves, *JANES, f"/tickets/{numbers['note']}", f"/tickets/{numbers['note']}/fields"],
        ada: [*ADAS, *await configured(ada)],
    }
    for who, paths in places.items():
        for path in paths:
            await who.attack(path)
    assert {one for who in places for one in who.tried - who.taken} == REFUSED

    guest = Attacker(await attackers.page())
    for who, start in ((ken, "/"), (jane, "/"), (ada, "/admin"), (guest, "/sign-in")):
        await who.page.add_init_script("window.owned = () => { window.wasOwned = true; }")
        seen = await who.walk(start)
        assert len(seen) >= LEAST[start], seen
    assert [one for who in (*places, guest) for one in who.found] == []
