"""What was said on a ticket, as the server keeps it for the search: by the kind of event, whole words, gone with what is blanked."""

from uuid import UUID

import pytest

from ledgerdesk.initialise import migrate_all
from services.workflow.views import timeline
from shared import db
from shared.contracts.erasing import TICKET_ERASED
from shared.contracts.event import NewEvent
from shared.testing.events import event_of_fact
from shared.testing.servers import database

TICKET = UUID(int=1)
SAID = {
    "created": "body", "message_received": "body", "noted": "body", "replied": "body", "auto_replied": "body", "edited": "body",
    "message_edited": "body", "resolved": "resolution", "rated": "comment", "task_added": "title", "time_logged": "note",
}  # fmt: skip
FOUND = "SELECT type FROM timeline WHERE words @@ plainto_tsquery('simple', $1) ORDER BY type"


@pytest.fixture
async def connection(postgres_server_at):
    async with database(postgres_server_at) as dsn:
        await migrate_all(dsn)
        connection = await db.connect(dsn, "workflow")
        yield connection
        await connection.close()


def said(words: str) -> list:
    return [
        event_of_fact(NewEvent(f"ledgerdesk.ticket.{name}", {}, {key: words, "subject": "subject"}), "workflow", TICKET, version)
        for version, (name, key) in enumerate(SAID.items(), 1)
    ]  # fmt: skip


async def found(connection, word: str) -> list[str]:
    return [row["type"] for row in await connection.fetch(FOUND, word)]


async def test_what_was_said_is_found_whatever_it_was_said_by(connection):
    await timeline.add(connection, said("The Übergabe failed"))
    assert await found(connection, "übergabe") == sorted(SAID)
    assert await found(connection, "subject") == [], "the subject is looked for in the ticket"


async def test_nothing_said_holds_no_words(connection):
    await timeline.add(connection, [*said("")])
    assert await connection.fetchval("SELECT count(*) FROM timeline WHERE words IS NOT NULL") == 0


async def test_the_end_of_a_very_long_text_is_not_looked_through(connection):
    await timeline.add(connection, said("first " + "x" * 19_994 + " last"))
    assert await found(connection, "first") == sorted(SAID)
    assert await found(connection, "last") == []


async def test_what_is_blanked_is_found_no_more(connection):
    events = said("secret")
    await timeline.add(connection, events)
    data = {"reason": "redacted", "versions": {"noted": [list(SAID).index("noted") + 1]}}
    await timeline.blank(connection, [event_of_fact(NewEvent(TICKET_ERASED, data), "workflow", TICKET, 20)])
    assert await found(connection, "secret") == sorted(SAID.keys() - {"noted"})
