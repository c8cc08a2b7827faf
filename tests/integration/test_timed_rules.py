"""Rules on time, on real stores and views, with a clock that the test moves."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import httpx
import pytest

from ledgerdesk import reacted
from ledgerdesk.rebuild import rebuild
from ledgerdesk.verify import verify
from services.routing.timed import TAKE, Due
from shared import waiting
from shared.contracts.event import rfc3339
from shared.testing.events import created, message
from shared.timers import BATCH, GRACE, LEASE
from tests.integration import ruled
from tests.integration.ruled import JANE, MONDAY, OTHER, TICKET, Desk, fact, prioritised

ANY = ("channel", "equals", "api")
LEA = UUID(int=8)
REPLIED = fact("replied", {"body": "Try again"})


class CrashError(Exception):
    """The process is gone."""


def after(minutes: int, since: str = "created") -> dict:
    return {"when": "time", "after": {"minutes": minutes, "since": since}}


def at(minutes: float):
    return MONDAY + timedelta(minutes=minutes)


@pytest.fixture
async def desk(postgres_dsn):
    async with ruled.opened(postgres_dsn) as desk:
        yield desk
        verdict = await verify(postgres_dsn, wait=0)
        assert not verdict.differences


async def laid(desk: Desk, key: str, *tests, minutes: int = 60, since: str = "created", **more) -> None:
    await desk.rule(key, *(tests or (ANY,)), **after(minutes, since), **more)
    await desk.timed.lay()


async def test_it_applies_when_its_time_has_come_dated_then_and_once(desk):
    await laid(desk, "old")
    await desk.happens("intake", created())
    assert await desk.timers() == {(TICKET, "old"): at(60)}
    assert await desk.wakes(59) == []
    (applied,) = await desk.wakes(31)
    assert (applied.name, applied.occurred_at) == ("rule_applied", at(60)), "not when it was noticed"
    assert (applied.actor, applied.via["kind"], applied.cause) == ({"kind": "rule", "id": "old"}, "system", None)
    assert applied.data["why"] | {"seen": None} == {
        "when": "time", "tests": [{"test": 1, "field": "channel", "op": "equals"}], "seen": None,
        "moment": {"since": "created", "anchor": rfc3339(at(0)), "at": rfc3339(at(60))},
    }  # fmt: skip
    assert await desk.tags() == ["old"]
    assert await desk.timers() == {(TICKET, "old"): None}
    assert await desk.wakes(600) == []


async def test_it_does_not_apply_where_its_tests_do_not_hold_then_nor_later(desk):
    await laid(desk, "urgent", ("priority", "equals", "high"))
    await desk.happens("intake", created())
    assert await desk.wakes(61) == []
    await desk.happens("workflow", prioritised("high"))
    assert await desk.wakes(60) == []
    assert await desk.rules() == []


@pytest.mark.parametrize(
    ("since", "happens", "expected"),
    [
        ("created", [], 60),
        ("created", [("workflow", REPLIED), ("workflow", fact("started")), ("intake", message())], 60),
        ("unanswered", [], 60),
        ("unanswered", [("intake", message())], 70),
        ("unanswered", [("workflow", REPLIED)], None),
        ("unanswered", [("workflow", fact("resolved"))], None),
        ("unanswered", [("workflow", REPLIED), ("intake", message())], 80),
        ("replied", [], None),
        ("replied", [("workflow", REPLIED)], 70),
        ("replied", [("workflow", REPLIED), ("workflow", REPLIED)], 80),
        ("replied", [("workflow", REPLIED), ("intake", message())], None),
        ("status", [], 60),
        ("status", [("workflow", fact("started"))], 70),
        ("status", [("workflow", fact("started")), ("workflow", fact("held", until=None))], 80),
        ("status", [("workflow", fact("resolved"))], 70),
        ("status", [("workflow", fact("resolved")), ("workflow", fact("closed"))], None),
        ("due", [], None),
        ("due", [("workflow", fact("sla_scheduled", reason="created", clocks=[
            {"target": t, "start": "x", "minutes": 5, "due": rfc3339(at(due))} for t, due in (("resolution", 30), ("own", 20))]))], 80),
        ("due", [("workflow", fact("sla_scheduled", reason="created", clocks=[
            {"target": "own", "start": "x", "minutes": 5, "due": rfc3339(at(20))}])),
            ("workflow", fact("sla_met", target="own", start="x", at="x", late=False, seconds=1.0))], None),
    ],
)  # fmt: skip
async def test_from_when_it_counts(desk, since, happens, expected):
    await laid(desk, "r", since=since)
    await desk.happens("intake", created())
    for owner, said in happens:
        await desk.happens(owner, said, after=10)
    assert set((await desk.timers()).values()) == ({at(expected)} if expected is not None else set())
    found = [event.occurred_at for event in await desk.wakes(600)]
    assert found == ([at(expected)] if expected is not None else [])


async def test_what_a_rule_has_done_sets_no_moment(desk):
    """Two rules on a status that lasts could keep each other going for ever."""
    await laid(desk, "hold", ("status", "equals", "open"), minutes=1, since="status", actions={"status": "on_hold"})
    await laid(desk, "open", ("status", "equals", "on_hold"), minutes=1, since="status", actions={"status": "open"})
    await desk.happens("intake", created())
    await desk.happens("workflow", fact("started"))
    await desk.wakes(2)
    assert await desk.rules() == ["hold"]
    for _ in range(5):
        await desk.wakes(2)
    assert await desk.rules() == ["hold"]


async def test_imported_tickets_are_left_alone(desk):
    await laid(desk, "r")
    origin = {"log": "old", "case": "1", "row": 1, "activity": "a", "actor": None}
    await desk.happens("intake", created(origin=origin))
    assert await desk.timers() == {}


async def test_a_rule_that_is_new_counts_for_tickets_under_way_also_what_is_past(desk):
    await desk.happens("intake", created("100001"))
    await desk.happens("intake", created("100002"), ticket=OTHER, after=50)
    await desk.happens("workflow", fact("closed"), ticket=OTHER)
    desk.now = at(100)
    await laid(desk, "hour")
    await laid(desk, "day", minutes=24 * 60)
    assert await desk.timers() == {(TICKET, "hour"): at(60), (TICKET, "day"): at(24 * 60)}, "closed ones are over"
    (applied,) = await desk.wakes()
    assert (applied.data["rule"], applied.occurred_at) == ("hour", at(100)), (
        "dated now: the rule was not there an hour ago"
    )


async def test_a_rule_that_is_off_comes_no_more(desk):
    await laid(desk, "r")
    await desk.happens("intake", created())
    await laid(desk, "r", active=False)
    assert await desk.timers() == {}
    assert await desk.wakes(61) == []


async def test_a_changed_rule_is_set_anew_and_does_not_come_again_where_it_has(desk):
    await laid(desk, "r")
    await desk.happens("intake", created("100001"))
    await desk.happens("intake", created("100002"), ticket=OTHER, after=30)
    await desk.wakes(31)
    assert await desk.rules() == ["r"]
    await laid(desk, "r", minutes=90, version=2)
    assert await desk.timers() == {(TICKET, "r"): None, (OTHER, "r"): at(120)}
    await desk.wakes(120)
    assert (await desk.rules(), await desk.rules(OTHER)) == (["r"], ["r"])


async def test_what_was_mended_counts_for_what_is_past_and_another_name_does_not(desk):
    await laid(desk, "r", ("priority", "equals", "low"))
    await desk.happens("intake", created())
    await desk.wakes(61)
    await desk.happens("workflow", prioritised("low"))
    await laid(desk, "r", ("priority", "equals", "low"), name="Another name", version=2, actions={"note": "?"})
    assert await desk.timers() == {(TICKET, "r"): None}
    await laid(desk, "r", ANY, version=3)
    (applied,) = await desk.wakes()
    assert applied.data["rule_version"] == 3


async def test_a_ticket_that_is_reopened_has_missed_what_came_meanwhile(desk):
    await laid(desk, "hour")
    await laid(desk, "day", minutes=24 * 60)
    await desk.happens("intake", created())
    await desk.happens("workflow", fact("started"), fact("closed"), after=10)
    assert await desk.timers() == {}
    await desk.happens("workflow", fact("reopened", previous="closed"), after=100)
    assert await desk.timers() == {(TICKET, "hour"): None, (TICKET, "day"): at(24 * 60)}
    assert [event.data["rule"] for event in await desk.wakes(24 * 60)] == ["day"]


async def test_who_handles_it(desk):
    await laid(desk, "jane", ("agent", "equals", ""), since="unanswered", actions={"agent": JANE, "priority": "high"})
    await desk.happens("intake", created())
    await desk.wakes(61)
    row = await desk.pools["routing"].fetchrow("SELECT agent FROM ticket")
    assert str(row["agent"]) == JANE
    events, _ = await desk.stores["routing"].load(TICKET)
    assert [(e.name, e.actor["id"]) for e in events] == [("rule_applied", "jane"), ("assigned", "jane")]


async def test_a_view_that_is_behind_is_waited_for(desk):
    """The answer is in the store and not in the view yet: nobody is warned of what is done."""
    await laid(desk, "r", since="unanswered")
    await desk.happens("intake", created())
    desk.now = at(59)
    event, *_ = await desk.write("workflow", TICKET, REPLIED, moment=desk.now)
    assert await desk.wakes(5) == []
    assert await desk.timers() == {(TICKET, "r"): at(60)}, "it is asked again"
    await desk.take("ledgerdesk.tickets", [event])
    assert await desk.timers() == {}


async def test_an_owner_that_does_not_answer_is_waited_for(desk, monkeypatch):
    await laid(desk, "r")
    await desk.happens("intake", created())

    async def down(*_):
        raise httpx.ConnectError("it is down")

    with monkeypatch.context() as patched:
        patched.setattr(desk.feed, "versions", down)
        assert await desk.wakes(61) == []
    assert len(await desk.wakes()) == 1


async def test_a_requester_who_is_not_known_yet_is_waited_for(desk, monkeypatch):
    monkeypatch.setattr(waiting.wait_for, "__defaults__", (0,))
    await laid(desk, "lea", ("email", "equals", "lea@example.org"))
    await desk.happens("intake", created(person_id=str(LEA)))
    assert await desk.wakes(61) == []
    assert await desk.timers() == {(TICKET, "lea"): at(60)}, "it is asked again"
    await desk.register(LEA, "Lea")
    assert [event.data["rule"] for event in await desk.wakes()] == ["lea"]


async def test_after_a_crash_it_comes_once_and_is_not_lost(desk, monkeypatch):
    """The rule has applied, and the process died before it noted that: another finds it done."""
    await laid(desk, "r")
    await desk.happens("intake", created())

    async def crash(*_, **__):
        raise CrashError

    with monkeypatch.context() as patched:
        patched.setattr(desk.timed, "_dealt_with", crash)
        with pytest.raises(CrashError):
            await desk.wakes(61)
    (applied,) = await desk.applied()
    assert await desk.timers() == {(TICKET, "r"): at(60)}
    await desk.take("ledgerdesk.tickets", [applied])
    await desk.wakes(timed=desk.started())
    assert await desk.applied() == [applied]
    assert await desk.timers() == {(TICKET, "r"): None}


async def test_whatever_is_wrong_with_one_the_others_have_their_time(desk, monkeypatch):
    await laid(desk, "r")
    await desk.happens("intake", created("100001"))
    await desk.happens("intake", created("100002"), ticket=OTHER)
    ask = desk.timed._ask

    async def sometimes(rule, row, due, laid_at):
        if due.ticket == TICKET:
            raise ValueError("something nobody has thought of")
        return await ask(rule, row, due, laid_at)

    with monkeypatch.context() as patched:
        patched.setattr(desk.timed, "_ask", sometimes)
        await desk.wakes(61)
    assert await desk.timers() == {(TICKET, "r"): at(60), (OTHER, "r"): None}
    assert await desk.rules(OTHER) == ["r"]
    await desk.wakes()
    assert await desk.rules() == ["r"]


async def test_two_that_are_asked_at_once_apply_once(desk):
    await laid(desk, "r")
    await desk.happens("intake", created())
    desk.now = at(61)
    due = [Due(TICKET, "r", at(0), at(60))]
    await asyncio.gather(*(timed.wake(due) for timed in (desk.timed, desk.started(), desk.started())))
    events, _ = await desk.stores["routing"].load(TICKET)
    assert [event.name for event in events] == ["rule_applied"]


async def test_a_taken_timer_comes_back_after_its_lease_and_no_two_take_one(desk, monkeypatch):
    await laid(desk, "r")
    await desk.happens("intake", created())
    pool = desk.pools["routing"]
    await pool.execute("UPDATE rule_timer SET try_at = now() - interval '1 hour'")
    taken: list[list[Due]] = []

    async def wake(due):
        taken.append(list(due))

    both = [desk.started(), desk.started()]
    for timed in both:
        monkeypatch.setattr(timed, "wake", wake)
    async with pool.acquire() as connection:  # a third takes it, and has not committed yet
        taking = connection.transaction()
        await taking.start()
        assert len(await connection.fetch(TAKE, LEASE, GRACE, BATCH)) == 1
        await asyncio.wait_for(both[0].drain(), 5)
        await taking.rollback()
    assert taken == [], "nobody waits for who has taken it"
    await asyncio.gather(*(timed.drain() for timed in both))
    assert taken == [[Due(TICKET, "r", at(0), at(60))]]
    await pool.execute("UPDATE rule_timer SET try_at = try_at - $1::interval - interval '2 seconds'", LEASE)
    await both[1].drain()
    assert len(taken) == 2


async def test_a_rule_and_a_ticket_that_cross_miss_nothing(desk):
    """A ticket is read by the rules of before, and not committed when the new rule is laid: laying waits for it."""
    await desk.rule("r", ANY, **after(60))
    await desk.timed.lay()
    (event,) = await desk.write("intake", TICKET, created(), moment=desk.now)
    projection = desk.projections["routing"]
    async with desk.pools["routing"].acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await projection.fold_into(connection, [event])
        await desk.configure("rule", **{**(await desk.routing._directory.entry("rule", "r")), "key": "s"})
        laying = asyncio.create_task(desk.timed.lay())
        done, _ = await asyncio.wait([laying], timeout=0.5)
        assert not done, "it must wait for who reads by the old rules"
        await transaction.commit()
    await laying
    assert await desk.timers() == {(TICKET, "r"): at(60), (TICKET, "s"): at(60)}


async def test_a_rebuilt_view_leaves_the_timers_alone(desk):
    await laid(desk, "r")
    await desk.happens("intake", created())
    await desk.wakes(61)
    await desk.happens("intake", created("100002"), ticket=OTHER)
    before = await desk.timers()
    await rebuild(desk.dsn, "routing.ticket")
    assert await desk.timers() == before == {(TICKET, "r"): None, (OTHER, "r"): at(121)}


async def test_a_restored_desk_knows_what_had_its_time(desk):
    await laid(desk, "r", ("priority", "equals", "high"))
    await desk.happens("intake", created())
    await desk.wakes(61)
    await desk.happens("intake", created("100002"), ticket=OTHER)
    before = await desk.timers()
    connection = await asyncpg.connect(desk.dsn)
    try:
        kept = {table: (await reacted.read_timers(connection))[table] for table in reacted.TIMERS}
        await connection.execute('TRUNCATE "routing".rule_timer, "routing".rule_laid')
        await reacted.write_timers(connection, kept)
    finally:
        await connection.close()
    assert await desk.timers() == before
    await desk.timed.lay()
    assert await desk.timers() == before
