"""Somebody is forgotten: not a word is left in any column of any table, history holds, figures stay, and life goes on."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from shared.testing.wait import wait_until
from tests.e2e.desk import everything, ledgerdesk
from tests.knowing import all_know, settled

WHO = f"w.{uuid4().hex[:8]}"
ADDRESS, NAME, LOGIN = f"{WHO}@zebra.example", f"Wanda {WHO.upper()}", f"login.{WHO}"
WORD = f"xylophone{uuid4().hex[:8]}"
COLLEAGUE = f"colleague.{WHO}@zebra.example"
PASSWORD = "a password for one test"


def figures(client: httpx.Client) -> dict[str, object]:
    """Return what the reports say, but for how far they are complete."""
    found = {}
    for name in ("volumes", "activities", "moves", "durations", "backlog", "reopens"):
        found[name] = (
            client.get(f"/reports/{name}", params={"to": "2100-01-01T00:00:00Z"}).raise_for_status().json()["rows"]
        )
    return found


def checked_offline(history: Path, key: Path) -> subprocess.CompletedProcess[str]:
    """Check an exported history with the public key alone."""
    return subprocess.run(
        [sys.executable, "-m", "ledgerdesk.cli", "history", "check", str(history), "--key", str(key)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


class Desk:
    """Tickets on which she has left her words, and a colleague's ticket with a message of hers."""

    def __init__(self, stack, admin, john) -> None:
        self.stack, self.admin, self.john = stack, admin, john
        file = stack.data / "wanda.yaml"
        file.write_text(
            json.dumps(
                {
                    "people": [
                        {
                            "email": ADDRESS,
                            "name": NAME,
                            "login": LOGIN,
                            "roles": ["agent"],
                            "password": PASSWORD,
                        }
                    ]
                }
            )
        )  # fmt: skip -- of no department: routing gives her nothing, and other tests count on who is where
        applied = ledgerdesk(stack, "org", "apply", str(file))
        assert applied.returncode == 0, applied.stderr
        file.unlink()
        self.own = self.open(ADDRESS, f"{WORD} is broken")
        self.other = self.open(COLLEAGUE, "A colleague's ticket")
        self.talk()
        self.naming = [
            self.save("queues", name="Hers", filters={"requester": [ADDRESS]}, share="desk"),
            self.save("queues", name="What she has", filters={"assignee": [LOGIN], "status": ["open"]}),
            self.save("queues", name="Said of her", filters={"q": [ADDRESS]}),
            self.save(
                "dashboards", name="Her work", tiles=[{"report": "moves", "filters": {"agent": LOGIN}}], share="desk"
            ),
        ]
        self.kept = self.save("queues", name="What John has", filters={"assignee": ["john"]})
        changed = {
            "name": "Hers no more",
            "filters": {"assignee": ["john"]},
        }  # an older version names her: it is kept in the store
        self.john.put(f"/queues/{self.naming[1]}", json=changed).raise_for_status()

    def save(self, what: str, **body: object) -> str:
        return str(self.john.post(f"/{what}", json=body).raise_for_status().json()["id"])

    def saved(self) -> set[str]:
        return {
            one["id"]
            for what in ("queues", "dashboards")
            for one in self.john.get(f"/{what}").raise_for_status().json()["items"]
        }

    def open(self, address: str, subject: str) -> str:
        body = {"subject": subject, "body": f"{WORD} again", "requester": {"email": address, "name": NAME}}
        return str(self.admin.post("/tickets", json=body).raise_for_status().json()["id"])

    def talk(self) -> None:
        for verb, body in (
            ("claim", {}), ("notes", {"body": f"she said {WORD}"}), ("replies", {"body": f"Dear {NAME}"}),
            ("transfer", {"department": "system-administration", "message": f"{WORD} for you"}), ("hold", {"reason": f"{NAME} is away"}),
            ("messages", {"body": f"{WORD} once more"}), ("resolve", {"resolution": f"{WORD} mended"}),
        ):  # fmt: skip
            wait_until(
                lambda v=verb, b=body: self.john.post(f"/tickets/{self.own}/{v}", json=b).is_success, message=verb
            )

    async def say(self) -> None:
        """Let her write on the colleague's ticket, by another system."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.stack.environment["KAFKA_BOOTSTRAP_SERVERS"], enable_idempotence=False
        )
        await producer.start()
        data = {"ticket": self.other, "body": f"me too: {WORD}", "author": {"email": ADDRESS, "name": NAME}}
        headers = {"ce_specversion": "1.0", "ce_id": uuid4().hex, "ce_source": "/chat", "ce_type": "chat.message"}
        await producer.send_and_wait(
            "ledgerdesk.ingress", json.dumps(data).encode(),
            headers=[*((k, v.encode()) for k, v in headers.items()), ("content-type", b"application/json")],
        )  # fmt: skip
        await producer.stop()
        wait_until(lambda: f"me too: {WORD}" in self.timeline(self.other), message="her message")

    def timeline(self, ticket: str) -> str:
        return self.john.get(f"/tickets/{ticket}/timeline").raise_for_status().text


@pytest.fixture(scope="module")
def desk(stack, person):
    with stack.client() as admin:
        yield Desk(stack, admin, person("john"))


async def test_forgotten_everywhere(desk, stack, tmp_path):
    await desk.say()
    dsn = stack.environment["DATABASE_URL"]
    with stack.client(None) as anybody:
        token = (
            anybody.post("/sessions", json={"login": LOGIN, "password": PASSWORD}).raise_for_status().json()["token"]
        )
    key = (
        desk.admin.post("/keys", json={"name": "hers", "roles": ["agent"], "acts_for": LOGIN}).raise_for_status().json()
    )
    for credential in (token, key["key"]):
        with stack.client(credential) as hers:
            wait_until(lambda c=hers: c.get("/me").is_success, message="her credentials")
    assert desk.saved() >= {*desk.naming, desk.kept}
    sealed = ledgerdesk(stack, "seal")
    assert sealed.returncode == 0, sealed.stderr
    secrets = [ADDRESS, NAME, WHO, WORD]
    settled(desk.admin)
    before = figures(desk.admin)
    assert len({line.split(":")[0] for line in await everything(dsn, secrets)}) >= 10, "her words are in many tables"

    dry = ledgerdesk(stack, "person", "forget", ADDRESS, "--reason", "asked", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "1 tickets, messages on 1 tickets of others, an agent and an account" in dry.stdout
    assert await everything(dsn, secrets)

    # The colleague's ticket names her in its requester's name, which is the colleague's own: that goes with him.
    for address in (ADDRESS, COLLEAGUE):
        done = ledgerdesk(stack, "person", "forget", address, "--reason", "asked", "--yes")
        assert done.returncode == 0, done.stderr
        assert "forgotten in every store and view" in done.stdout
    assert await everything(dsn, secrets) == []

    assert not desk.saved() & set(desk.naming), "what names her goes, whoever saved it"
    assert desk.kept in desk.saved()
    desk.john.delete(f"/queues/{desk.kept}").raise_for_status()

    for credential in (token, key["key"]):
        with stack.client(credential) as hers:
            wait_until(lambda c=hers: c.get("/me").status_code == 401, message="her credentials to be refused")
    ticket = desk.john.get(f"/tickets/{desk.own}").raise_for_status().json()
    assert (ticket["subject"], ticket["requester"]) == ("(erased)", {"email": None, "name": None})
    types = [item["type"] for item in json.loads(desk.timeline(desk.own))["items"]]
    assert types.count("personal_erased") == 3, "each owner says what it has blanked"
    assert "created" in types
    assert "resolved" in types
    assert figures(desk.admin) == before, "reports do not change behind anybody's back"

    audited = ledgerdesk(stack, "verify", "--audit")
    assert "0 differences" in " ".join(audited.stdout.split()), audited.stdout + audited.stderr
    assert audited.returncode == 0
    out = tmp_path / "history.json"
    assert ledgerdesk(stack, "history", "export", desk.own, "--out", str(out), "--seal").returncode == 0
    assert not [word for word in secrets if word.lower() in out.read_text().lower()]
    holds = checked_offline(out, stack.data / "audit.pub")
    assert holds.returncode == 0, holds.stderr
    for path in stack.data.rglob("*.log"):
        assert not [word for word in secrets if word in path.read_text(errors="replace")], path.name


async def test_the_same_address_is_somebody_new(desk, stack):
    again = desk.open(ADDRESS, "Hello again")
    all_know(desk.admin)
    mine = desk.admin.get("/tickets", params={"requester": ADDRESS}).raise_for_status().json()["items"]
    assert [ticket["id"] for ticket in mine] == [again]
    assert desk.open(ADDRESS, "And again") != again
    refused = desk.admin.post(f"/tickets/{desk.own}/messages", json={"body": "for her"})
    assert refused.status_code == 409, "nobody is there to have said it"
    all_know(desk.admin)
    again_forgotten = ledgerdesk(stack, "person", "forget", ADDRESS, "--reason", "asked", "--yes")
    assert again_forgotten.returncode == 0, again_forgotten.stderr
    assert "2 tickets" in again_forgotten.stdout
    assert await everything(stack.environment["DATABASE_URL"], [ADDRESS]) == []


async def test_what_she_said_where_she_was_let_in_goes_and_what_the_desk_said_stays(desk, stack):
    address, word = f"let-in.{WHO}@zebra.example", f"inwardly{uuid4().hex[:8]}"
    body = {
        "subject": "Another's",
        "body": "x",
        "requester": {"email": f"owner.{WHO}@zebra.example"},
        "topic": "hardware",
    }
    ticket = desk.admin.post("/tickets", json={**body, "fields": {"device": "laptop"}}).raise_for_status().json()["id"]
    path = f"/tickets/{ticket}"
    wait_until(lambda: desk.john.post(f"{path}/claim").is_success, message="john to have it")
    desk.john.post(f"{path}/collaborators", json={"email": address}).raise_for_status()
    with stack.client() as hers:
        hers.headers["Ledgerdesk-On-Behalf-Of"] = address
        wait_until(lambda: hers.get(path).is_success, message="her sight of it")
        hers.patch(f"{path}/fields", json={"serial": f"{word} 1"}).raise_for_status()
        hers.post(f"{path}/close", json={"message": f"{word} is well"}).raise_for_status()
        hers.post(f"{path}/reopen", json={"message": f"{word} is not"}).raise_for_status()
    desk.john.patch(f"{path}/fields", json={"serial": "S/N 7"}).raise_for_status()
    desk.john.post(f"{path}/close", json={"message": "The desk's"}).raise_for_status()
    settled(desk.admin)
    before = figures(desk.admin)
    assert await everything(stack.environment["DATABASE_URL"], [word])
    assert ledgerdesk(stack, "person", "forget", address, "--reason", "asked", "--yes").returncode == 0
    assert await everything(stack.environment["DATABASE_URL"], [word, address]) == []
    shown = desk.john.get(path).raise_for_status().json()
    assert (shown["fields"]["serial"], shown["status"]) == ("S/N 7", "closed")
    assert "The desk's" in desk.timeline(ticket)
    assert figures(desk.admin) == before
    audited = ledgerdesk(stack, "verify", "--audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr


async def test_what_came_into_a_store_just_after_is_forgotten_too(desk, stack):
    """As facts, which nobody checks: a person's own credential is refused a second later, and no test can count on being faster."""
    address, word = f"late.{WHO}@zebra.example", f"lateness{uuid4().hex[:8]}"
    ticket = desk.open(address, "Before")
    all_know(desk.admin)
    found = desk.admin.post("/internal/intake/forget", json={"who": address, "reason": "asked", "dry_run": True})
    (her,) = (one["id"] for one in found.raise_for_status().json()["persons"])
    assert ledgerdesk(stack, "person", "forget", address, "--reason", "asked", "--yes").returncode == 0
    other = str(uuid4())
    saved = {"share": "nobody", "order": 0}
    for owner, stream, kind, data, personal in (
        ("workflow", ticket, "ticket.reopened", {"previous": "closed"}, {"message": word}),
        ("workflow", str(uuid4()), "queue.saved", {**saved, "person_id": her, "team": None, "columns": [], "sort": "-updated_at"},
         {"name": word, "filters": {}}),
        ("workflow", str(uuid4()), "dashboard.saved", {**saved, "person_id": other, "named": [her]}, {"name": word, "tiles": []}),
        ("knowledge", str(uuid4()), "article_rating.rated", {"article": other, "person_id": her, "helpful": True}, {"comment": word}),
    ):  # fmt: skip
        fact = {
            "id": str(uuid4()), "stream_id": stream, "type": f"ledgerdesk.{kind}", "occurred_at": "2026-11-01T12:00:00Z",
            "actor": {"kind": "person", "id": her}, "data": data, "personal": personal,
        }  # fmt: skip
        answer = desk.admin.post(f"/internal/{owner}/facts", json={"log": "late", "facts": [fact]})
        assert answer.raise_for_status().json()["appended"] == 1, answer.text
    settled(desk.admin)
    assert await everything(stack.environment["DATABASE_URL"], [word]) == []


def test_who_may_and_who_cannot(stack, admin, person):
    body = {"who": "ken@example.org", "reason": "asked"}
    assert person("john").post("/internal/intake/forget", json=body).status_code == 403
    assert admin.post("/internal/intake/forget", json={**body, "reason": "because"}).status_code == 422
    assert admin.post("/internal/intake/forget", json={**body, "who": "nobody@nowhere.example"}).status_code == 404
    unknown = ledgerdesk(stack, "person", "forget", "nobody@nowhere.example", "--reason", "asked", "--yes")
    assert unknown.returncode == 1
    assert "Nobody has this address" in unknown.stderr
