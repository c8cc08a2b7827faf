"""What the pages make of the API's answers and of people's words, without a server."""

import pytest

from services.gateway.pages.charts import bars_of, chart_of, drill
from services.gateway.pages.moves import MOVES, body_of, offered
from services.gateway.pages.past import past_of
from services.gateway.pages.queue import TABS, asked, created
from services.gateway.pages.render import few, initials, linked
from services.gateway.pages.thread import blocks_of
from services.gateway.pages.timeline import Entry
from shared.contracts.permissions import MEANING


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ('see https://a.example/x?y="onload=1', 'see <a href="https://a.example/x?y=" '),
        ("(https://a.example/b).", '(<a href="https://a.example/b" '),
        ("https://a.example/<script>", '<a href="https://a.example/" '),
    ],
)
def test_words_are_escaped_and_only_web_addresses_are_links(words: str, shown: str) -> None:
    said = str(linked(words))
    assert said.startswith(shown)
    assert "<script" not in said
    assert 'rel="noopener noreferrer nofollow"' in said or "<a" not in said


def entry(kind: str, name: str = "assigned") -> Entry:
    return Entry(kind, name, "2026-01-01T00:00:00Z", "John", "did it")


def test_long_runs_of_steps_are_folded_but_not_the_last() -> None:
    step, card = entry("step"), entry("note", "noted")
    blocks = blocks_of([card, step, step, step, card, step, step, card, step, step, step])
    assert [(len(b.entries), b.folded) for b in blocks] == [
        (1, False),
        (3, True),
        (1, False),
        (2, False),
        (1, False),
        (3, False),
    ]
    assert blocks[1].summary == "assigned"
    assert blocks[0].card is card


@pytest.mark.parametrize(
    ("offset", "until"),
    [
        ("", "2026-03-01T09:00:00Z"),
        ("-60", "2026-03-01T08:00:00Z"),
        ("300", "2026-03-01T14:00:00Z"),
        ("x", "2026-03-01T09:00"),
    ],
)
def test_a_local_time_becomes_utc(offset: str, until: str) -> None:
    assert body_of("hold", {"until": "2026-03-01T09:00", "offset": offset, "reason": " "}) == {"until": until}


def test_a_form_becomes_the_apis_body() -> None:
    assert body_of("tags", {"add": "vpn, , printer", "remove": ""}) == {"add": ["vpn", "printer"]}
    assert body_of("time", {"minutes": "25", "billable": "1"}) == {"minutes": 25, "billable": True}
    assert body_of("time", {"minutes": "many"}) == {"minutes": "many"}  # the API says what is wrong with it


AGENT = {"roles": ["agent"], "permissions": {"default": sorted(MEANING), "departments": {}}}


def test_what_is_offered_follows_status_holder_and_roles() -> None:
    ticket = {"status": "open", "assignee": None, "team": None, "watched": False, "department": None}
    agent = AGENT
    assert {"claim", "watch", "resolve"} <= set(offered(ticket, agent, is_staff=True))
    assert not {"release", "unwatch", "reopen", "resume", "message"} & set(offered(ticket, agent, is_staff=True))
    held = {**ticket, "status": "on_hold", "assignee": {"login": "x"}, "watched": True}
    assert {"resume", "release", "unwatch"} <= set(offered(held, agent, is_staff=True))
    assert "claim" not in offered(held, agent, is_staff=True)
    assert set(offered({**ticket, "status": "closed"}, {"roles": ["requester"]}, is_staff=False)) == {
        "reopen",
        "message",
        "rating",
    }
    assert offered(ticket, {"roles": ["analyst"]}, is_staff=False) == []


def test_no_two_moves_that_are_offered_together_share_a_key() -> None:
    for status in ("new", "open", "on_hold", "resolved", "closed"):
        for watched in (True, False):
            ticket = {
                "status": status,
                "assignee": {"login": "x"},
                "team": None,
                "watched": watched,
                "department": None,
            }
            keys = [MOVES[verb].hot for verb in offered(ticket, AGENT, is_staff=True) if MOVES[verb].hot]
            assert len(keys) == len(set(keys)), (status, keys)


def test_a_tab_asks_its_own_question_and_leaves_the_rest_to_the_filters() -> None:
    assert asked(TABS["mine"], {"assignee": "none", "status": "closed"}) == [
        ("assignee", "me"), ("status", "new"), ("status", "open"), ("status", "on_hold"), ("limit", "50"),
    ]  # fmt: skip
    assert ("overdue", "true") in asked(TABS["overdue"], {})
    assert ("status", "closed") in asked(TABS["all"], {"status": "closed"})


def test_a_day_is_a_range() -> None:
    assert created({"created_on": "2026-02-28"}) == [
        ("created_from", "2026-02-28T00:00:00Z"),
        ("created_to", "2026-03-01T00:00:00Z"),
    ]
    assert created({"created_on": "no day"}) == []
    assert created({"created_from": "2026-02-28"}) == [("created_from", "2026-02-28T00:00:00Z")]


def test_rows_with_a_time_are_lines_and_others_bars() -> None:
    rows = [
        {"day": "2026-01-01", "kind": "created", "count": 2}, {"day": "2026-01-02", "kind": "created", "count": 4},
        {"day": "2026-01-02", "kind": "closed", "count": 1},
    ]  # fmt: skip
    chart = chart_of(rows)
    assert chart is not None
    assert chart.lines == {"Created": [2.0, 4.0], "Closed": [0.0, 1.0]}
    assert chart_of(rows[:1]) is None
    assert chart_of([]) is None
    assert bars_of(rows, ["day", "kind", "count"]) is None
    assert bars_of([{"kind": "a", "count": 4}, {"kind": "b", "count": 1}], ["kind", "count"]) == (
        "count",
        [100.0, 25.0],
    )
    many = [{"day": f"2026-01-0{d}", "agent": f"a{n}", "count": n} for n in range(9) for d in (1, 2)]
    drawn = chart_of(many)
    assert drawn is not None
    assert (len(drawn.lines), drawn.left_out) == (6, 3)


def test_a_figure_leads_to_its_tickets() -> None:
    assert drill({"department": "support", "day": "2026-01-01", "kind": "created", "count": 2}, {}) == {
        "department": "support", "created_on": "2026-01-01",
    }  # fmt: skip
    assert drill({"agent": "john", "acts": 3}, {"department": "support"}) == {
        "assignee": "john",
        "department": "support",
    }
    assert drill({"kind": "closed", "count": 3}, {}) is None


def test_small_words() -> None:
    assert [initials(name) for name in ("Jane Roe", "ken@example.org", "", "Plato")] == ["JR", "KE", "?", "P"]
    assert [few(n) for n in (5, 5483, 10_000)] == ["5", "5,483", "10k"]


HISTORY = [{"at": f"2026-11-0{day}T09:00:00.5Z", "unmerged": []} for day in (1, 2, 3)]


@pytest.mark.parametrize(
    ("step", "at", "shown"),
    [
        ("2", "", 2), ("9", "", 3), ("0", "", 1), ("", "", None), ("nonsense", "", None),
        ("", "2026-11-02T09:00:00.5Z", 2), ("", "2026-11-02T09:00:00.4Z", 1), ("", "2026-11-02T10:00:00.500+01:00", 2),
        ("", "2020-01-01T00:00:00Z", 1), ("", "2030-01-01T00:00:00Z", 3), ("", "2026-11-02", None), ("", "2026-11-02T09:00", None),
        ("3", "2026-11-01T09:00:00.5Z", 3),
    ],
)  # fmt: skip
def test_the_past_is_asked_for_by_step_or_by_moment(step: str, at: str, shown: int | None) -> None:
    past = past_of(HISTORY, step, at)
    assert (past and (past.step, past.steps, past.at)) == (shown and (shown, 3, f"2026-11-0{shown}T09:00:00.5Z"))
    assert past_of([], step, at) is None
