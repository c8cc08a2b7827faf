"""Routing, wired."""

from services.routing import api, domain
from services.routing.domain.causes import CAUSES
from services.routing.reactions import AgentForgetting, Routing
from services.routing.ruling import Ruling
from services.routing.timed import TimedRules
from services.routing.views import TicketView
from shared import db
from shared.configuration import entry_after, no_entry
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EventStore
from shared.forgetting import TicketForgetting
from shared.projection.reactor import Reactor, reactions
from shared.service import Kernel, Service, common_parts, projection_of, relay_of
from shared.timers import POLL, Regularly

TAKE_UP_EVERY = 5.0
"""Seconds between looks at the tickets that wait for somebody."""
LAY_EVERY = 1.0
"""Seconds between looks at whether rules on time have changed."""
VIEWS = (TicketView(),)


async def build(kernel: Kernel) -> Service:
    """Return the service."""
    parts = await common_parts(kernel, "routing")
    store = EventStore("routing", parts.pool)
    appender = Appender(store)
    tickets = Ledger(store, appender, domain.Handling, domain.evolve)
    routing = Routing(parts.pool, parts.directory, tickets)
    ruling = Ruling(parts.pool, parts.directory, tickets, routing)
    timed = TimedRules(parts.pool, tickets, ruling, kernel.feed)
    dsn = kernel.settings.database_url
    eraser = Eraser(store, appender)
    reactor = Reactor(
        "routing", lambda: db.connect(dsn, "routing"), parts.pool,
        reactions(
            {
                "created": routing.on_created, "replied": routing.on_replied, "reopened": routing.on_reopened,
                "escalated": routing.on_escalated, "forgotten": AgentForgetting(eraser).on_forgotten,
                "personal_erased": TicketForgetting("routing", eraser).on_personal_erased,
            },
            dict.fromkeys(CAUSES, ruling.on_event),
        ),
        routing.before_batch,
    )  # fmt: skip
    return Service(
        name="routing", kernel=kernel, pool=parts.pool, directory=parts.directory, authenticator=parts.authenticator,
        projection=projection_of(kernel, "routing", parts.pool, VIEWS), store=store,
        appender=appender, relay=relay_of(kernel, "routing", parts.pool, appender), reactor=reactor,
        helpers=[
            Regularly("routing.take-up", routing.take_up, TAKE_UP_EVERY), Regularly("routing.rules", timed.lay, LAY_EVERY),
            Regularly("routing.timers", timed.drain, POLL),
        ],
        components=api.RoutingApp(parts.pool, parts.directory, tickets, Ledger(store, appender, no_entry, entry_after)),
    )  # fmt: skip
