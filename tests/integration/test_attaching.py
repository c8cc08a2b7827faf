"""What a store's events name is kept, and what is blank in them is taken away: asked of the store itself."""

import hashlib
import os
import time
from collections.abc import AsyncIterator

import pytest

from shared.contracts.event import NewEvent
from shared.contracts.ids import random_id
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context
from shared.files import KEPT_UNUSED
from shared.http.attachments import Attaching
from shared.settings import Settings
from shared.testing.events import DOOR, SYSTEM
from shared.testing.stores import Stores


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


def named(owner: str, *contents: bytes) -> NewEvent:
    files = [
        {"name": "a.txt", "sha256": hashlib.sha256(c).hexdigest(), "size": len(c), "media_type": "text/plain"}
        for c in contents
    ]
    if owner == "knowledge":
        return NewEvent(
            "ledgerdesk.article.drafted", {"language": "en"}, {"title": "x", "body": "x", "attachments": files}
        )
    return NewEvent("ledgerdesk.ticket.noted", {}, {"body": "x", "attachments": files})


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blanked"])
@pytest.mark.parametrize(("owner", "stream_type"), [("workflow", "ticket.noted"), ("knowledge", "article.drafted")])
async def test_a_file_goes_when_no_event_of_the_store_names_it(stores: Stores, tmp_path, owner, stream_type, blank):
    store = await stores.open(owner)
    kind, name = stream_type.split(".")
    settings = Settings(secret_key="a secret of a test, long enough for it", files=tmp_path)
    attaching = Attaching(settings, owner, store)
    stream, other = random_id(), random_id()
    appender = Appender(store)
    appender.start()
    eraser = Eraser(store, appender)
    for content in (b"one", b"two"):
        await attaching.files.receive(pieces(content))
        await attaching.files.claim(owner, hashlib.sha256(content).hexdigest())
    for where, fact in ((stream, named(owner, b"one", b"two")), (other, named(owner, b"two"))):
        await eraser._streams.execute(where, lambda _, fact=fact: [fact], Context(random_id(), SYSTEM, DOOR))
    if blank:
        erased = NewEvent(f"ledgerdesk.{kind}.personal_erased", {"reason": "redacted", "versions": {name: [1]}})
        await eraser.erase(stream, lambda _: [erased], Context(random_id(), SYSTEM, DOOR))
    await attaching.sweep()
    places = [attaching.files.path(owner, hashlib.sha256(c).hexdigest()) for c in (b"one", b"two")]
    assert [p.exists() for p in places] == [True, True]  # what was named today is not looked at yet
    for place in places:
        os.utime(place, (time.time() - KEPT_UNUSED - 60,) * 2)
    await attaching.sweep()
    assert [p.exists() for p in places] == [not blank, True]
    await appender.stop()
