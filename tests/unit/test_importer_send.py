"""Facts on their way to their owners, and what a terminal shows of it."""

import io
from collections import Counter

import httpx
import orjson
import pytest
import stamina
from rich.console import Console

from ledgerdesk.importer import command
from ledgerdesk.importer.run import run_import
from ledgerdesk.importer.send import SendError
from shared.contracts.ids import derived
from shared.eventstore.facts import Facts
from tests.unit.importer_logs import STATUS, lines


class Owners:
    """A stand-in for the services' endpoints, which keeps what it is told."""

    def __init__(self) -> None:
        self.stated: dict[str, list[dict]] = {}
        self.ids: set[str] = set()
        self.calls: list[int] = []
        self.down = 0
        self.there: set[str] = set()
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer t"
        owner = request.url.path.split("/")[4]
        if request.url.path.endswith("/versions"):
            asked = orjson.loads(request.content)["streams"]
            return httpx.Response(200, json={"versions": dict.fromkeys(self.there & set(asked), 1)})
        if self.down:
            self.down -= 1
            return httpx.Response(503, json={"detail": "starting"})
        body = Facts.model_validate_json(request.content)
        self.calls.append(len(body.facts))
        appended, refused = 0, []
        for index, fact in enumerate(body.facts):
            if fact.personal == {"login": "poison", "name": "poison"}:
                return httpx.Response(422, json={"detail": "a bad field"})
            if fact.data.get("origin", {}).get("case") == "R":
                refused.append({"index": index, "reason": "no"})
            elif fact.id not in self.ids:
                self.ids.add(fact.id)
                self.stated.setdefault(owner, []).append(orjson.loads(fact.model_dump_json()))
                appended += 1
        known = len(body.facts) - appended - len(refused)
        return httpx.Response(200, json={"appended": appended, "known": known, "refused": refused})


@pytest.fixture
def importing(tmp_path):
    """Import a text into the stand-in."""
    (tmp_path / "map.yaml").write_text(STATUS)

    async def run(owners: Owners, text: str):
        (tmp_path / "log.csv").write_text(text)
        return await run_import(
            tmp_path / "log.csv", tmp_path / "map.yaml", "http://desk/", lambda: "t", transport=owners.transport
        )

    return run


async def test_facts_arrive_once_in_order_and_a_second_import_adds_nothing(importing):
    owners = Owners()
    text = lines(
        *(
            f"{c},1/2/2016 10:{m:02},{s},ann,?,G,3,cal"
            for c in range(900)
            for m, s in enumerate(["New", "Active", "Closed"])
        )
    )
    report = await importing(owners, text)
    assert report.complete
    assert (report.rows_read, report.tickets, report.stated["ledgerdesk.ticket.closed"]) == (2700, 900, 900)
    assert report.appended == {"routing": 2, "intake": 901, "workflow": 1800}
    assert max(owners.calls) <= 1000
    per_case: dict[str, list[int]] = {}
    for fact in owners.stated["workflow"]:
        per_case.setdefault(fact["stream_id"], []).append(fact["data"]["origin"]["row"])
    assert all(rows == sorted(rows) for rows in per_case.values())
    again = await importing(owners, text)
    assert sum(again.appended.values()) == 0
    assert again.known == report.appended


async def test_refused_facts_are_named_by_line_and_a_poisoned_call_is_taken_apart(importing):
    report = await importing(
        Owners(),
        lines("A,1/2/2016 10:00,New,poison,?,?,3,cal", "R,1/2/2016 10:00,New,ann,?,?,3,cal", "B,x,New,ann,?,?,3,cal"),
    )
    assert [tuple(no) for no in report.refused] == [
        (2, "ledgerdesk.agent.configured", "a bad field"), (3, "ledgerdesk.ticket.created", "no"),
    ]  # fmt: skip
    assert [bad.line for bad in report.bad] == [4]
    assert not report.complete
    assert report.appended == {"routing": 1, "intake": 2}


async def test_a_department_that_works_is_left_alone(importing):
    owners = Owners()
    owners.there = {str(derived("directory", "department", "G"))}
    report = await importing(owners, lines("A,1/2/2016 10:00,New,ann,?,G,3,cal"))
    assert Counter(fact["type"] for fact in owners.stated["routing"]) == {"ledgerdesk.agent.configured": 1}
    assert +report.known == {"routing": 1}


async def test_a_busy_ledger_is_waited_for_and_a_missing_one_reported(importing):
    text = lines("A,1/2/2016 10:00,New,ann,?,G,3,cal")
    owners = Owners()
    owners.down = 2
    with stamina.set_testing(True, attempts=5, cap=True):
        assert (await importing(owners, text)).complete
        owners.down = 100
        with pytest.raises(SendError, match="503: starting"):
            await importing(owners, text)

    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"detail": "not you"})

    owners.transport = httpx.MockTransport(refuse)
    with pytest.raises(SendError, match="not you"):
        await importing(owners, text)


async def test_the_summary_shows_twenty_and_counts_the_rest(importing):
    report = await importing(Owners(), lines(*(["B,x,New,ann,?,?,3,cal"] * 23), "A,1/2/2016 10:00,New,ann,?,G,3,cal"))
    console = Console(record=True, width=100, file=io.StringIO())
    command.show(report, console)
    text = console.export_text()
    assert "24 rows, 1 tickets" in text
    assert "line 21: time.format" in text
    assert "line 22:" not in text
    assert "and 3 more" in text


def test_exit_codes(tmp_path, monkeypatch, capsys):
    (tmp_path / "map.yaml").write_text(STATUS.replace("style", "stile"))
    (tmp_path / "good.yaml").write_text(STATUS)
    assert command.import_log(tmp_path / "no.csv", tmp_path / "map.yaml", url="http://x", token=lambda: "t") == 2
    assert command.import_log(tmp_path / "no.csv", tmp_path / "good.yaml", url="http://x", token=lambda: "t") == 2
    assert "did you mean style?" in (said := capsys.readouterr().err)
    assert "cannot be opened" in said
    owners = Owners()

    def with_owners(*args):
        return run_import(*args, transport=owners.transport)

    monkeypatch.setattr(command, "run_import", with_owners)
    (tmp_path / "log.csv").write_text(lines("A,1/2/2016 10:00,New,ann,?,G,3,cal"))
    assert command.import_log(tmp_path / "log.csv", tmp_path / "good.yaml", url="http://x", token=lambda: "t") == 0
    (tmp_path / "log.csv").write_text(lines("A,1/2/2016 10:00,New,ann,?,G,3,cal", "B,x,New,ann,?,G,3,cal"))
    assert command.import_log(tmp_path / "log.csv", tmp_path / "good.yaml", url="http://x", token=lambda: "t") == 1
