"""Who may do what: every endpoint, as everybody, on a ticket of one's own, a colleague's, another department's, another's."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import pytest
import yaml

from shared.service_names import SERVICES
from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD, ROOT
from tests.e2e.test_provable import ledgerdesk
from tests.knowing import all_know

RUN = uuid4().hex[:6]
HERE, WITHIN, ELSEWHERE = f"here-{RUN}", f"within-{RUN}", f"elsewhere-{RUN}"
DOMAIN = f"shared-{RUN}.example"
NOBODY = str(uuid4())

# (method, path below the ticket) to (body, who may): `see` whoever sees the ticket; `ask` of those, no analyst; `let` the
# requester and the desk; `desk` who works it; `lead` who may change what others have said.
TICKET_OPERATIONS: dict[tuple[str, str], tuple[object, str]] = {
    ("GET", ""): (None, "see"), ("GET", "/timeline"): (None, "see"), ("GET", "/steps"): (None, "see"), ("GET", "/collaborators"): (None, "see"),
    ("POST", "/messages"): ({"body": "x"}, "ask"), ("POST", "/close"): (None, "ask"), ("POST", "/reopen"): (None, "ask"),
    ("POST", "/rating"): ({"score": 5}, "rate"), ("POST", "/collaborators"): ({"email": f"c@{RUN}.example"}, "let"),
    ("DELETE", f"/collaborators/{NOBODY}"): (None, "let"),
    ("PUT", f"/messages/{NOBODY}"): ({"body": "x"}, "lead"), ("DELETE", f"/messages/{NOBODY}"): (None, "lead"),
    ("POST", "/split"): ({"messages": [NOBODY], "subject": "x"}, "desk"),
    ("POST", "/assign"): ({"team": "on-call"}, "desk"), ("POST", "/claim"): (None, "agent"), ("POST", "/release"): (None, "desk"),
    ("POST", "/transfer"): ({"department": "nowhere"}, "desk"), ("POST", "/refer"): ({"department": "support"}, "desk"),
    ("POST", "/withdraw-referral"): ({"team": "on-call"}, "desk"),
    ("POST", "/notes"): ({"body": "x"}, "desk"), ("POST", "/replies"): ({"body": "x"}, "desk"),
    ("PUT", f"/notes/{NOBODY}"): ({"body": "x"}, "desk"), ("DELETE", f"/notes/{NOBODY}"): (None, "desk"),
    ("PUT", f"/replies/{NOBODY}"): ({"body": "x"}, "desk"), ("DELETE", f"/replies/{NOBODY}"): (None, "desk"),
    ("POST", "/prioritise"): ({"priority": "low"}, "desk"), ("POST", "/hold"): (None, "desk"), ("POST", "/resume"): (None, "desk"),
    ("POST", "/state"): ({"state": None}, "desk"), ("GET", "/moves"): (None, "see"),
    ("POST", "/resolve"): ({"resolution": "x"}, "desk"), ("POST", "/escalate"): (None, "desk"),
    ("GET", "/fields"): (None, "see"), ("PATCH", "/fields"): ({"no-such-field": None}, "ask"),
    ("POST", "/acknowledge"): (None, "desk"), ("POST", "/tags"): ({"add": ["x"]}, "desk"), ("GET", "/tasks"): (None, "desk"),
    ("POST", "/tasks"): ({"title": "x", "blocks": False}, "desk"), ("PATCH", f"/tasks/{NOBODY}"): ({"title": "x"}, "desk"),
    ("POST", f"/tasks/{NOBODY}/finish"): (None, "desk"), ("POST", f"/tasks/{NOBODY}/reopen"): (None, "desk"),
    ("POST", f"/tasks/{NOBODY}/drop"): (None, "desk"), ("GET", "/time"): (None, "desk"),
    ("POST", "/time"): ({"minutes": 1}, "desk"), ("DELETE", f"/time/{NOBODY}"): (None, "desk"),
    ("POST", "/watch"): (None, "desk"), ("POST", "/unwatch"): (None, "desk"), ("GET", "/links"): (None, "desk"),
    ("POST", "/links"): ({"kind": "related", "ticket": "self"}, "desk"),
    ("POST", "/unlink"): ({"kind": "related", "ticket": "self"}, "desk"), ("POST", "/merge"): ({"into": "self"}, "desk"),
    ("GET", f"/attachments/{NOBODY}/0"): (None, "see"), ("POST", "/unmerge"): (None, "desk"), ("GET", "/articles"): (None, "see"), ("GET", "/presence"): (None, "desk"), ("POST", "/presence"): ({"doing": "viewing"}, "desk"),
    ("GET", "/similar"): (None, "desk"), ("GET", "/guest-links"): (None, "desk"), ("POST", "/guest-links"): (None, "desk"), ("DELETE", "/guest-links"): (None, "desk"),
    ("DELETE", f"/guest-links/{NOBODY}"): (None, "desk"),
}  # fmt: skip
# What one of the desk needs besides sight, by permission; what is not in it takes sight alone, or is not the desk's.
PERMISSION_FOR: dict[str, list[tuple[str, str]]] = {
    "ticket.create": [("POST", "/messages")],
    "ticket.edit": [
        ("POST", "/prioritise"), ("POST", "/tags"), ("POST", "/collaborators"), ("DELETE", f"/collaborators/{NOBODY}"),
        ("PATCH", "/fields"), *((method, "/guest-links") for method in ("GET", "POST", "DELETE")), ("DELETE", f"/guest-links/{NOBODY}"),
    ],
    "ticket.assign": [("POST", "/assign"), ("POST", "/claim")], "ticket.release": [("POST", "/release")],
    "ticket.transfer": [("POST", "/transfer")], "ticket.refer": [("POST", "/refer"), ("POST", "/withdraw-referral")],
    "ticket.merge": [("POST", "/merge"), ("POST", "/unmerge"), ("POST", "/split")],
    "ticket.link": [("POST", "/links"), ("POST", "/unlink")],
    "ticket.reply": [("POST", "/replies"), ("PUT", f"/replies/{NOBODY}"), ("DELETE", f"/replies/{NOBODY}")],
    "ticket.note": [("POST", "/notes"), ("PUT", f"/notes/{NOBODY}"), ("DELETE", f"/notes/{NOBODY}")],
    "ticket.hold": [("POST", "/hold"), ("POST", "/resume"), ("POST", "/state")],
    "ticket.close": [("POST", "/resolve"), ("POST", "/close"), ("POST", "/reopen")],
    "ticket.escalate": [("POST", "/escalate"), ("POST", "/acknowledge")],
    "task.create": [("POST", "/tasks")], "task.edit": [("PATCH", f"/tasks/{NOBODY}")],
    "task.close": [("POST", f"/tasks/{NOBODY}/{verb}") for verb in ("finish", "reopen", "drop")],
    "time.log": [("POST", "/time"), ("DELETE", f"/time/{NOBODY}")],
    "thread.edit": [("PUT", f"/messages/{NOBODY}"), ("DELETE", f"/messages/{NOBODY}")],
}  # fmt: skip
SIGHT_ALONE = {
    ("GET", ""), ("GET", "/timeline"), ("GET", "/steps"), ("GET", "/collaborators"), ("GET", f"/attachments/{NOBODY}/0"), ("GET", "/tasks"), ("GET", "/time"), ("GET", "/links"),
    ("GET", "/similar"), ("GET", "/articles"), ("GET", "/fields"), ("GET", "/moves"), ("GET", "/presence"), ("POST", "/watch"), ("POST", "/unwatch"), ("POST", "/presence"),
}  # fmt: skip
OF_THE_REQUESTER = {("POST", "/rating")}
WRITING: dict[tuple[str, str], object] = {
    ("PUT", ""): {"title": "x", "body": "y"}, ("GET", "/versions"): None, ("GET", "/versions/{version}"): None,
    ("DELETE", "/versions/{version}"): None, ("GET", "/compare?old=1&new=1"): None, ("POST", "/restore"): {"version": 1},
    ("POST", "/publish"): {"visibility": "public"}, ("POST", "/withdraw"): None, ("POST", "/move"): {}, ("GET", "/ratings"): None,
    ("GET", "/tickets"): None,
}  # fmt: skip
"""On an article; who writes may, and nobody else, whatever the article is to him."""
OTHER_OPERATIONS: dict[tuple[str, str], tuple[object, set[str]]] = {
    ("GET", "/tickets"): (None, {"all"}), ("GET", "/tickets/counts"): (None, {"all"}), ("GET", "/me"): (None, {"all"}),
    ("GET", "/topics"): (None, {"all"}), ("GET", "/mentions"): (None, {"desk"}), ("GET", "/lifecycle"): (None, {"desk", "analyst"}), ("GET", "/reports"): (None, {"desk", "analyst"}),
    ("GET", "/reports/volumes"): (None, {"desk", "analyst"}),
    ("GET", '/reports/volumes/counted?figure=count&row={"day":"2026-03-02","kind":"created"}'): (None, {"sees all"}),
    ("GET", "/keys"): (None, {"administrator"}),
    ("POST", "/keys"): ({"name": "x", "roles": ["agent"]}, {"administrator"}), ("DELETE", f"/keys/{NOBODY}"): (None, {"administrator"}),
    ("GET", "/accounts"): (None, {"administrator"}), ("GET", "/sessions"): (None, {"all"}),
    ("DELETE", f"/sessions/{NOBODY}"): (None, {"all"}), ("GET", "/me/totp"): (None, {"all"}),
    ("POST", "/me/totp"): ({"current": "wrong"}, {"all"}), ("POST", "/me/totp/confirm"): ({"code": "000000"}, {"all"}),
    ("POST", "/me/totp/recovery-codes"): ({"code": "000000"}, {"all"}), ("POST", "/me/totp/remove"): ({"code": "000000"}, {"all"}),
    ("POST", "/accounts/nobody-of-that-name/links"): (None, {"administrator"}),
    ("DELETE", "/accounts/nobody-of-that-name/totp"): (None, {"administrator"}),
    ("DELETE", "/accounts/nobody-of-that-name/identities"): (None, {"administrator"}),
    ("PUT", "/accounts/nobody-of-that-name/password"): ({"password": "a password for one test"}, {"administrator"}),
    ("GET", "/dashboards"): (None, {"desk", "analyst"}), ("POST", "/dashboards"): ({"name": "x"}, {"desk", "analyst"}),
    ("PUT", f"/dashboards/{NOBODY}"): ({"name": "x"}, {"desk", "analyst"}), ("DELETE", f"/dashboards/{NOBODY}"): (None, {"desk", "analyst"}),
    ("GET", "/queues"): (None, {"all"}), ("POST", "/queues"): ({"name": "x"}, {"desk"}),
    ("PUT", f"/queues/{NOBODY}"): ({"name": "x"}, {"desk"}), ("DELETE", f"/queues/{NOBODY}"): (None, {"desk"}),
    ("GET", "/canned-replies"): (None, {"desk"}), ("GET", "/agents"): (None, {"desk"}), ("GET", "/departments"): (None, {"all"}),
    ("GET", "/teams"): (None, {"desk"}), ("GET", "/organisations"): (None, {"desk"}), ("GET", "/people?q=xy"): (None, {"desk"}),
    ("POST", "/attachments"): (None, {"requester", "desk"}),
    ("POST", "/sla/recompute"): ({"plan": "none"}, {"administrator"}),
    ("GET", "/internal/intake/events"): (None, {"administrator"}), ("GET", "/internal/workflow/entries"): (None, {"administrator"}),
    ("PUT", "/internal/routing/organisation"): ({}, {"administrator"}), ("GET", f"/internal/gateway/images/{'0' * 64}"): (None, {"administrator"}),
    ("GET", "/internal/dead-letters"): (None, {"administrator"}), ("PUT", "/internal/organisation"): ({"file": "{}"}, {"administrator"}),
    **{("GET", f"/internal/{name}/parked"): (None, {"administrator"}) for name in SERVICES},
    **{("POST", f"/internal/{name}/parked/retry"): ({"stream": NOBODY}, {"administrator"}) for name in SERVICES},
    **{
        ("POST", f"/internal/{name}/parked/discard"): ({"stream": NOBODY, "events": [NOBODY], "reason": "x"}, {"administrator"})
        for name in SERVICES
    },
    ("PUT", "/internal/workflow/organisation"): ({}, {"administrator"}),
    ("PUT", "/internal/intake/organisation"): ({}, {"administrator"}),
    ("PUT", "/internal/gateway/organisation"): ({}, {"administrator"}),
    ("PUT", "/internal/knowledge/organisation"): ({}, {"administrator"}),
    ("POST", "/internal/rules/try"): ({"rules": [{"key": "x", "name": "x", "order": 1, "tests": [], "actions": {}}]}, {"administrator"}),
    ("POST", "/articles/preview"): ({"body": "x"}, {"desk"}), ("GET", "/articles/preview/images/{image}"): (None, {"desk"}), ("POST", "/articles"): ({"title": "x", "body": "y"}, {"desk"}),
    ("POST", "/articles/{article}/rating"): ({"helpful": True}, {"all"}),
    **{(method, f"/articles/{{article}}{path}"): (body, {"desk"}) for (method, path), body in WRITING.items()},
    ("POST", "/internal/intake/forget"): ({"who": "x@y.example", "reason": "asked"}, {"administrator"}),
}  # fmt: skip
for verb, body in (
    ("assign", {"team": "on-call"}), ("claim", {}), ("release", {}), ("transfer", {"department": "support"}), ("prioritise", {"priority": "low"}),
    ("hold", {}), ("resume", {}), ("state", {"state": None}), ("resolve", {"resolution": "x"}), ("close", {}), ("reopen", {}), ("tags", {"add": ["x"]}),
    ("fields", {"no-such-field": None}),
    ("watch", {}), ("unwatch", {}),
):  # fmt: skip
    OTHER_OPERATIONS["POST", f"/bulk/{verb}"] = ({"tickets": ["nowhere"], "body": body}, {"desk"})
for owner in ("routing", "workflow"):
    OTHER_OPERATIONS["POST", f"/bulk/{owner}/{NOBODY}/undo"] = (None, {"desk"})
OPEN_TO_GUESTS = {
    ("GET", "/articles"), ("GET", "/articles/categories"), ("GET", "/articles/suggest"), ("GET", "/articles/{article}"),
    *(("GET", f"/articles/{{article}}/versions/{{version}}/{files}/0") for files in ("attachments", "images")),
}  # fmt: skip
"""Which articles are shown to whom: see test_knowledge.py and test_article_files.py, as who may link them to tickets."""
LINKING = {("POST", "/articles/{article}/link"), ("POST", "/articles/{article}/unlink")}
ELSEWHERE_TESTED = OPEN_TO_GUESTS | LINKING | {
    ("POST", "/tickets"), ("POST", "/sessions"), ("DELETE", "/sessions/current"), ("GET", "/stream"), ("GET", "/openapi.json"),
    ("POST", "/sessions/code"), ("DELETE", "/sessions"), ("POST", "/links"),
    ("POST", "/guest-links/open"), ("POST", "/guest-links/ask"),
}  # fmt: skip


@dataclass(frozen=True)
class Who:
    """Somebody, and whose the ticket is to him: `inside` he sees all of it, `asks` he sees it as requester, `hidden`."""

    name: str
    role: str
    sees: str = "all"
    departments: tuple[str, ...] = ()

    @property
    def login(self) -> str:
        return f"{self.name}-{RUN}"

    @property
    def email(self) -> str:
        domain = DOMAIN if self.name in {"owner", "colleague"} else f"{self.name}-{RUN}.example"
        return f"{self.login}@{domain}"


PEOPLE = [
    Who("owner", "requester"), Who("colleague", "requester"), Who("stranger", "requester"), Who("anywhere", "agent"),
    Who("insider", "agent", "departments", (HERE,)), Who("outsider", "agent", "departments", (ELSEWHERE,)),
    Who("holder", "agent", "own"), Who("loner", "agent", "own", (HERE,)), Who("lead", "lead", "own", (ELSEWHERE,)),
    Who("analyst", "analyst"), Who("boss", "administrator"),
]  # fmt: skip
INSIDE = {"anywhere", "insider", "holder", "lead", "analyst", "boss"}
"""The ticket is in a department within `here`, and assigned to `holder`."""
ASKS = {"owner", "colleague", "collaborator"}


def may(who: Who, needed: str) -> bool:
    """The table of rights, in words of one line each."""
    works = who.name in INSIDE and who.role != "analyst"
    return {
        "see": who.name in INSIDE | ASKS, "ask": works or who.name in ASKS, "rate": who.name == "owner",
        "let": works or who.name == "owner", "desk": works, "agent": works and who.role in {"agent", "lead"},
        "lead": works and who.role in {"lead", "administrator"},
    }[needed]  # fmt: skip


@pytest.fixture(scope="module")
def people(stack, tmp_path_factory):
    file = {
        "organisations": [{"key": RUN, "name": "Shared", "domains": [DOMAIN], "shared": True}],
        "departments": [
            {"key": HERE, "name": "Here"}, {"key": WITHIN, "name": "Within", "parent": HERE}, {"key": ELSEWHERE, "name": "Elsewhere"},
        ],
        "topics": [{"key": WITHIN, "name": "Within", "department": WITHIN}],
        "people": [
            {"email": w.email, "login": w.login, "name": w.name, "roles": [w.role], "departments": list(w.departments),
             **({"sees": w.sees} if w.role in {"agent", "lead"} else {}), "password": PASSWORD}
            for w in PEOPLE
        ],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("rights") / "people.yaml"
    path.write_text(yaml.safe_dump(file))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    clients = {who.name: stack.signed_in(who.login) for who in PEOPLE}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture(scope="module")
def ticket(people, stack):
    with stack.client() as admin:
        answer = people["owner"].post("/tickets", json={"subject": f"Rights {RUN}", "body": "x", "topic": WITHIN})
        made = answer.raise_for_status().json()["id"]
        holder = next(w.login for w in PEOPLE if w.name == "holder")
        wait_until(
            lambda: admin.get(f"/tickets/{made}").json().get("department") == WITHIN, message="its department"
        )  # before somebody touches it, or routing leaves it alone
        wait_until(
            lambda: admin.post(f"/tickets/{made}/assign", json={"agent": holder}).is_success, message="the ticket"
        )
        wait_until(lambda: people["insider"].get(f"/tickets/{made}").is_success, message="its department")
        wait_until(lambda: people["holder"].get(f"/tickets/{made}/collaborators").is_success, message="intake's view")
        yield made


@pytest.fixture(scope="module")
def article(stack):
    with stack.client() as admin:
        made = admin.post("/articles", json={"title": f"Rights {RUN}", "body": "x"}).raise_for_status().json()["id"]
        admin.post(f"/articles/{made}/publish", json={"visibility": "public"}).raise_for_status()
    return made


def outcome(client, method: str, path: str, body: object) -> str:
    answer = client.request(method, path, json=body)
    if answer.status_code == 404 and "There is no ticket" in answer.json().get("detail", ""):
        return "hidden"
    return {401: "unknown", 403: "refused"}.get(answer.status_code, "may")


def test_every_endpoint_is_in_the_table():
    document = json.loads((ROOT / "tests" / "contract" / "openapi.json").read_text())
    known = (
        {(method, path.replace(NOBODY, "{}")) for method, path in TICKET_OPERATIONS}
        | {(method, path.partition("?")[0]) for method, path in OTHER_OPERATIONS}
        | ELSEWHERE_TESTED
    )
    missing = []
    for path, operations in document["paths"].items():
        for method in operations:
            short = path.removeprefix("/api/v1")
            below = short.removeprefix("/tickets/{ref}") if short.startswith("/tickets/{ref}") else short
            for name in ("event", "task", "entry", "person", "link"):
                below = below.replace(f"{{{name}}}", "{}")
            below = (
                below.replace("{name}", "volumes")
                .replace("{key_id}", NOBODY)
                .replace("{session_id}", NOBODY)
                .replace("{bulk}", NOBODY)
                .replace("{queue}", NOBODY)
                .replace("{dashboard}", NOBODY)
                .replace("{login}", "nobody-of-that-name")
                .replace("{number}", "0")
            )
            if (method.upper(), below) not in known:
                missing.append((method.upper(), below))
    assert missing == []


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who.name)
def test_on_a_ticket(who, people, ticket, admin):
    holder = next(w.login for w in PEOPLE if w.name == "holder")
    admin.post(f"/tickets/{ticket}/assign", json={"agent": holder})  # whoever was before may have given it away
    all_know(admin)  # who has it, everywhere
    # Last of all: who answers a ticket that nobody has is given it, which comes when it comes.
    operations = sorted(TICKET_OPERATIONS.items(), key=lambda one: one[0][1] in {"/assign", "/release"})
    wrong = []
    for (method, path), (said, needed) in operations:
        body = json.loads(json.dumps(said).replace('"self"', json.dumps(ticket)))
        found = outcome(people[who.name], method, f"/tickets/{ticket}{path}", body)
        allowed = may(who, needed)
        if (found == "may") != allowed:
            wrong.append((method, path, found, "may" if allowed else "may not"))
        if not may(who, "see") and found not in {"hidden", "refused"}:
            wrong.append((method, path, found, "hidden"))
    assert wrong == [], who.name
    if who.name == "holder":
        return  # he has given it away
    listed = {item["id"] for item in people[who.name].get("/tickets", params={"limit": 200, "q": RUN}).json()["items"]}
    assert (ticket in listed) == may(who, "see"), "a list shows what a look-up shows"


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who.name)
def test_elsewhere(who, people, article):
    kinds = {"all", who.role} | ({"desk"} if who.role in {"agent", "lead", "administrator"} else set())
    kinds |= {"sees all"} if who.role in {"lead", "analyst", "administrator"} or who.name == "anywhere" else set()

    def asked(operation) -> str:
        (method, path), (body, _) = operation
        return outcome(people[who.name], method, of_article(path, article), body)

    with ThreadPoolExecutor(8) as pool:  # a bulk waits two seconds for a ticket that nobody knows
        found = list(pool.map(asked, OTHER_OPERATIONS.items()))
    wrong = [
        (*operation, outcome)
        for (operation, (_, roles)), outcome in zip(OTHER_OPERATIONS.items(), found, strict=True)
        if (outcome == "may") != bool(kinds & roles)
    ]
    assert wrong == [], who.name


def of_article(path: str, article: str) -> str:
    return path.replace("{article}", article).replace("{version}", "1")


def test_nobody_may_anything(stack, ticket, article):
    with stack.client(None) as anybody:
        for (method, path), (body, _) in TICKET_OPERATIONS.items():
            assert outcome(anybody, method, f"/tickets/{ticket}{path}", body) == "unknown", path
        for (method, path), (body, _) in OTHER_OPERATIONS.items():
            assert outcome(anybody, method, of_article(path, article), body) == "unknown", path


def test_counts_are_of_what_one_sees(people, ticket):
    del ticket
    assert people["outsider"].get("/tickets/counts").json()["open"] == 0
    assert people["loner"].get("/tickets/counts").json()["open"] == 0
    assert people["stranger"].get("/tickets/counts").json()["open"] == 0
    assert people["colleague"].get("/tickets/counts").json()["open"] >= 0


def test_a_referral_gives_sight_and_takes_it_again(people, ticket, stack):
    outsider = next(w.login for w in PEOPLE if w.name == "outsider")
    with stack.client() as admin:
        assert people["outsider"].get(f"/tickets/{ticket}").status_code == 404
        admin.post(f"/tickets/{ticket}/refer", json={"agent": outsider}).raise_for_status()
        wait_until(lambda: people["outsider"].get(f"/tickets/{ticket}").is_success, message="sight")
        admin.post(f"/tickets/{ticket}/withdraw-referral", json={"agent": outsider}).raise_for_status()
        wait_until(lambda: people["outsider"].get(f"/tickets/{ticket}").status_code == 404, message="no sight")


def test_an_agents_own_request_elsewhere_is_his_as_a_requester_only(people, stack):
    with stack.client() as admin:
        outsider = next(w for w in PEOPLE if w.name == "outsider")
        body = {"subject": "My pay", "body": "x", "topic": WITHIN, "requester": {"email": outsider.email}}
        mine = admin.post("/tickets", json=body).raise_for_status().json()["id"]
        wait_until(
            lambda: admin.get(f"/tickets/{mine}").json().get("department") == WITHIN, message="the ticket's department"
        )
        wait_until(
            lambda: admin.post(f"/tickets/{mine}/notes", json={"body": "not for him"}).is_success, message="a note"
        )
        client = people["outsider"]
        assert client.get(f"/tickets/{mine}").is_success
        assert "not for him" not in client.get(f"/tickets/{mine}/timeline").text
        assert client.post(f"/tickets/{mine}/notes", json={"body": "x"}).status_code == 403


GUESTS = {
    ("GET", ""), ("GET", "/timeline"), ("GET", "/fields"), ("GET", "/moves"), ("GET", f"/attachments/{NOBODY}/0"),
    ("GET", "/collaborators"), ("POST", "/messages"), ("POST", "/close"), ("POST", "/reopen"), ("POST", "/rating"),
}  # fmt: skip
"""On the one ticket that his link is for."""
GUESTS_ELSEWHERE = {("POST", "/attachments")}
"""Good for nothing but a message on that ticket."""


def test_a_guest_comes_to_his_ticket_and_to_nothing_else(ticket, article, stack):
    """Every endpoint, as somebody who came by a link: on his ticket, on another of his own, on others', and elsewhere."""
    email = f"guest-{RUN}@guests.example"
    with stack.client() as admin:
        mine, other = (
            admin.post("/tickets", json={"subject": f"Of a guest {n}", "body": "x", "requester": {"email": email}})
            .raise_for_status()
            .json()["id"]
            for n in range(2)
        )
        made = wait_until(
            lambda: (r := admin.post(f"/tickets/{mine}/guest-links")).is_success and r.json(), message="a link"
        )
        opened = admin.post("/guest-links/open", json={"token": made["token"]}).raise_for_status().json()
        all_know(admin)
    with stack.client(opened["token"]) as guest:
        wrong = []
        for (method, path), (said, _) in TICKET_OPERATIONS.items():
            body = json.loads(json.dumps(said).replace('"self"', json.dumps(mine)))
            found = outcome(guest, method, f"/tickets/{mine}{path}", body)
            if (found == "may") != ((method, path) in GUESTS):
                wrong.append(("his", method, path, found))
            others = [
                (where, method, path)
                for where in (other, ticket)
                if outcome(guest, method, f"/tickets/{where}{path}", body) == "may"
            ]
            wrong += others
        open_doors = {path for method, path in OPEN_TO_GUESTS if method == "GET"}
        for (method, path), (body, _) in OTHER_OPERATIONS.items():
            found = outcome(guest, method, of_article(path, article), body)
            if (found == "may") != ((method, path) in GUESTS_ELSEWHERE):
                wrong.append(("elsewhere", method, path, found))
        for method, path in [("GET", path) for path in open_doors] + [
            ("GET", "/stream"),
            ("POST", "/tickets"),
            ("DELETE", "/sessions/current"),
        ]:
            if (found := outcome(guest, method, of_article(path, article), None)) == "may":
                wrong.append(("elsewhere", method, path, found))
        assert wrong == []
