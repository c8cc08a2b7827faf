"""Forgetting, step by step, with what can come between the steps: a crash, a ticket on its way, copies that stand aside."""

from uuid import UUID

import pytest

from ledgerdesk.rebuild import rebuild
from ledgerdesk.verify import verify
from services.intake.people import People
from shared.contracts.event import Actor, NewEvent, to_feed_line
from shared.contracts.ids import random_id
from shared.contracts.topic_names import DIRECTORY, PARTITIONS, TICKETS
from shared.eventstore.ledger import Context
from shared.http.problems import Problem
from shared.projection.records import Record
from shared.settings import SERVICES
from shared.testing.events import DOOR, SYSTEM, created, message
from tests.integration import desk as desks
from tests.integration.forgetting import NOTED, OTHER, REGISTERED, STARTED, WANDA, Desk, differences, opened


@pytest.fixture
async def desk(postgres_dsn):
    async with desks.opened(Desk, postgres_dsn) as desk:
        await desk.take(DIRECTORY, await desk.write("intake", WANDA, REGISTERED))
        yield desk


async def test_a_whole_ticket_and_a_message_on_another_s(desk):
    hers, others = random_id(), random_id()
    await desk.take(TICKETS, await desk.write("intake", hers, opened(WANDA), message("from Wanda", str(OTHER))))
    await desk.take(TICKETS, await desk.write("workflow", hers, STARTED, NOTED))
    plain = created(person_id=str(OTHER))
    await desk.take(
        TICKETS,
        await desk.write("intake", others, plain, message("Wanda too", str(WANDA)), message("mine", str(OTHER))),
    )
    await desk.forget()
    await desk.react()
    assert await desk.left() == []
    events, _ = await desk.stores["intake"].load(others)
    assert [event.personal is None for event in events] == [False, True, False, True]
    assert events[-1].data["versions"] == {"message_received": [2]}
    assert await differences(desk) == []
    for service in SERVICES:
        await rebuild(desk.dsn, service)
    assert await differences(desk) == []
    assert await desk.left() == []


async def test_a_ticket_on_its_way_is_forgotten_when_it_arrives(desk):
    """It was decided for a person who was not forgotten yet, and is read after everybody has forgotten her."""
    late = random_id()
    await desk.forget()
    await desk.react()
    await desk.take(TICKETS, await desk.write("intake", late, opened(WANDA)))
    assert "workflow.timeline" in await desk.left()
    await desk.react()
    assert await desk.left() == []
    assert await differences(desk) == []


def queue(owner: UUID, *named: UUID) -> NewEvent:
    return NewEvent(
        "ledgerdesk.queue.saved",
        {"person_id": str(owner), "share": "nobody", "team": None, "columns": [], "sort": "-updated_at", "order": 0,
         "named": [str(one) for one in named]},
        {"name": "Wanda's", "filters": {"requester": ["wanda@example.org"]}},
    )  # fmt: skip


def dashboard(owner: UUID, *named: UUID) -> NewEvent:
    return NewEvent(
        "ledgerdesk.dashboard.saved",
        {"person_id": str(owner), "share": "nobody", "order": 0, "named": [str(one) for one in named]},
        {"name": "Wanda's", "tiles": []},
    )


RATED = NewEvent(
    "ledgerdesk.article_rating.rated", {"article": str(UUID(int=9)), "person_id": str(WANDA), "helpful": True},
    {"comment": "It helped Wanda"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "said"),
    [
        ("knowledge", RATED), ("workflow", queue(WANDA)), ("workflow", queue(OTHER, UUID(int=5), WANDA)), ("workflow", dashboard(WANDA)),
        ("workflow", dashboard(OTHER, WANDA)),
    ],
    ids=["rating", "queue", "queue that names her", "dashboard", "dashboard that names her"],
)  # fmt: skip
async def test_what_is_said_just_after_forgetting_is_forgotten_too(desk, owner, said):
    """It was let in by a credential that was remembered for a second, or decided before: it came into its store after the look there."""
    late = random_id()
    await desk.forget()
    await desk.react()
    await desk.take(DIRECTORY, await desk.write(owner, late, said))
    assert await desk.left(), "it is there"
    await desk.react()
    await desk.told(owner, late, DIRECTORY, after=1)
    assert await desk.left() == []
    events, _ = await desk.stores[owner].load(late)
    assert [(event.name, event.personal) for event in events] == [
        (said.type.rpartition(".")[2], None),
        ("personal_erased", None),
    ]
    assert await differences(desk) == []


async def test_what_somebody_else_says_then_stays(desk):
    await desk.forget()
    await desk.react()
    await desk.take(DIRECTORY, await desk.write("workflow", random_id(), queue(OTHER, UUID(int=5))))
    await desk.react()
    assert "workflow.saved_queue" in await desk.left()


async def test_what_its_requester_says_on_a_ticket_that_is_blank_goes_and_what_the_desk_says_stays(desk):
    """Workflow has blanked its words because the ticket says so; of the person it has not heard yet, and lets her in."""
    ticket = random_id()
    await desk.take(TICKETS, await desk.write("intake", ticket, opened(WANDA)))
    await desk.take(TICKETS, await desk.write("workflow", ticket, STARTED, NOTED))
    await desk.forgetting.forget(WANDA, "asked", Context(random_id(), SYSTEM, DOOR))
    (_, forgotten), _ = await desk.stores["intake"].load(WANDA)
    await desk.forgetting.on_forgotten(forgotten)
    await desk.told("intake", ticket, after=1)
    await desk.react()
    her = Actor("person", str(WANDA))
    rated = NewEvent("ledgerdesk.ticket.rated", {"score": 5, "previous": None}, {"comment": "thanks, Wanda"})
    closed = NewEvent("ledgerdesk.ticket.closed", {"previous": "open"}, {"message": "Wanda is done"})
    answered = NewEvent("ledgerdesk.ticket.noted", {}, {"body": "the desk's"})
    late = [
        *await desk.write("workflow", ticket, rated, closed, actor=her),
        *await desk.write("workflow", ticket, answered),
    ]
    await desk.take(TICKETS, late)
    assert "workflow.timeline" in await desk.left()
    await desk.react()
    events, _ = await desk.stores["workflow"].load(ticket)
    assert [(event.name, event.personal is not None) for event in events] == [
        ("started", False), ("noted", False), ("personal_erased", False), ("rated", False), ("closed", False), ("noted", True),
        ("personal_erased", False),
    ]  # fmt: skip
    assert events[-1].data == {"reason": "asked", "person_id": str(WANDA), "versions": {"rated": [4], "closed": [5]}}
    await desk.take(DIRECTORY, [forgotten])
    assert await desk.left() == []
    assert await differences(desk) == []


async def test_words_taken_back_blank_nothing_of_what_the_requester_says_later(desk):
    ticket = random_id()
    await desk.take(TICKETS, await desk.write("intake", ticket, opened(WANDA)))
    redacted = NewEvent(
        "ledgerdesk.ticket.personal_erased",
        {"reason": "redacted", "person_id": str(WANDA), "versions": {"created": [1]}},
    )
    await desk.take(TICKETS, await desk.write("intake", ticket, redacted))
    said = NewEvent("ledgerdesk.ticket.rated", {"score": 5, "previous": None}, {"comment": "thanks, Wanda"})
    await desk.take(TICKETS, await desk.write("workflow", ticket, said, actor=Actor("person", str(WANDA))))
    assert [event.name for event in await desk.inbox("workflow")] == []


async def test_a_crash_between_the_fact_and_the_blanking(desk):
    ticket = random_id()
    await desk.take(TICKETS, await desk.write("intake", ticket, opened(WANDA)))
    await desk.forget()
    reactions = await desk.inbox("intake")

    class CrashedError(Exception):
        pass

    async def crash(_: object) -> None:
        raise CrashedError

    blank, desk.stores["intake"].erase = desk.stores["intake"].erase, crash
    with pytest.raises(CrashedError):
        await desk.forgetting.on_forgotten(reactions[0])
    desk.stores["intake"].erase = blank
    verdict = await verify(desk.dsn, wait=0)
    assert [text for text in verdict.behind if "is to be blanked" in text], "verify sees that it is half done"
    await desk.told("intake", ticket, after=1)
    await desk.react()
    assert await desk.left() == []
    events, _ = await desk.stores["intake"].load(ticket)
    assert [event.name for event in events] == ["created", "personal_erased"], "said once"


async def test_copies_that_stand_aside_are_blanked(desk):
    """A parked event, one that waits for a reaction, and one whose reaction failed."""
    ticket = random_id()
    (event,) = await desk.write("intake", ticket, opened(WANDA))
    pool, line = desk.pools["workflow"], to_feed_line(event)
    await pool.execute(
        "INSERT INTO projection_parked (view, stream_id, source, version, event, reason) VALUES "
        "('workflow.ticket', $1, 'intake', 1, $2, 'x')", ticket, line,
    )  # fmt: skip
    await pool.execute("INSERT INTO reaction_inbox (event) VALUES ($1)", line)
    await pool.execute("INSERT INTO reaction_parked (id, event, reason) VALUES (7, $1, 'x')", line)
    await desk.forget()
    await desk.forgetting.on_forgotten((await desk.inbox("intake"))[0])
    await desk.told("intake", ticket)
    assert await desk.left() == []
    parked = await pool.fetch("SELECT version, event -> 'personal' AS personal FROM projection_parked ORDER BY version")
    assert [(row["version"], row["personal"]) for row in parked] == [(1, None), (2, None)]


async def test_the_same_address_becomes_another_person(desk):
    people = People(desk.stores["intake"], desk.appenders["intake"], desk.pools["intake"], b"k" * 32)
    context = Context(random_id(), SYSTEM, DOOR)
    first = await people.person("w@example.org", "W", context)
    assert await people.person("w@example.org", None, context) == first
    await desk.forgetting.forget(first, "asked", context)
    second = await people.person("w@example.org", "W", context)
    assert second not in {first, None}
    assert await people.person("w@example.org", None, context) == second
    await desk.forgetting.forget(second, "asked", Context(random_id(), SYSTEM, DOOR))
    assert await people.person("w@example.org", None, context) not in {first, second}


async def test_the_last_administrator_stays(desk):
    account = NewEvent(
        "ledgerdesk.account.configured",
        {"person_id": str(WANDA), "roles": ["administrator"], "active": True},
        {"login": "w"},
    )
    for projection in desk.projections.values():  # the identity topic, whose offsets nothing else here moves
        assert PARTITIONS["ledgerdesk.identity"]
        events = await desk.write("gateway", WANDA, account) if projection.name == "intake.views" else []
        if events:
            await projection.apply("log", [Record("ledgerdesk.identity", 0, 0, events[0])])
    with pytest.raises(Problem, match="last administrator"):
        await desk.forgetting.refuse_the_last_administrator([WANDA])
    await desk.forgetting.refuse_the_last_administrator([OTHER])
