"""Knowledge, wired."""

from services.knowledge import api, domain
from services.knowledge.reactions import forgetting
from services.knowledge.unsaved import Unsaved
from services.knowledge.views import ArticleView, RatingView, TicketView
from shared import db
from shared.configuration import entry_after, no_entry
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EventStore
from shared.http import attachments
from shared.http.attachments import Attaching
from shared.projection.reactor import Reactor
from shared.service import Kernel, Service, common_parts, projection_of, relay_of
from shared.timers import Regularly

VIEWS = (TicketView(), ArticleView(), RatingView())


async def build(kernel: Kernel) -> Service:
    """Return the service."""
    parts = await common_parts(kernel, "knowledge")
    store = EventStore("knowledge", parts.pool)
    appender = Appender(store)
    eraser = Eraser(store, appender)
    part = forgetting(parts.pool, eraser)
    attaching = Attaching(kernel.settings, "knowledge", store)
    dsn = kernel.settings.database_url
    reactor = Reactor(
        "knowledge", lambda: db.connect(dsn, "knowledge"), parts.pool,
        {"forgotten": part.on_forgotten, "rated": part.on_late, "personal_erased": part.on_personal_erased},
    )  # fmt: skip
    return Service(
        name="knowledge", kernel=kernel, pool=parts.pool, directory=parts.directory, authenticator=parts.authenticator,
        projection=projection_of(kernel, "knowledge", parts.pool, VIEWS), store=store,
        appender=appender, relay=relay_of(kernel, "knowledge", parts.pool, appender), reactor=reactor,
        helpers=[Regularly("knowledge.files", attaching.sweep, attachments.SWEEP_EVERY)],
        components=api.KnowledgeApp(
            parts.pool, parts.directory, Ledger(store, appender, domain.Article, domain.evolve),
            Ledger(store, appender, domain.Opinion, domain.evolve_opinion), Ledger(store, appender, no_entry, entry_after), eraser,
            attaching, Unsaved(kernel.settings),
        ),
    )  # fmt: skip
