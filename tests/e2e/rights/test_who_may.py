"""Who may do what: every endpoint, as everybody, on a ticket of one's own, a colleague's, another department's, another's."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD, ROOT
from tests.e2e.desk import ledgerdesk
from tests.e2e.rights.table import (
    ELSEWHERE_TESTED,
    GUESTS,
    GUESTS_ELSEWHERE,
    NOBODY,
    OPEN_TO_GUESTS,
    OTHER_OPERATIONS,
    RUN,
    TICKET_OPERATIONS,
    of_article,
    outcome,
)
from tests.knowing import all_know

HERE, WITHIN, ELSEWHERE = f"here-{RUN}", f"within-{RUN}", f"elsewhere-{RUN}"
DOMAIN = f"shared-{RUN}.example"


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
