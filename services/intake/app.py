"""Intake, wired."""

from services.intake import api, domain, forgetting
from services.intake.door import Door
from services.intake.opening import Opening
from services.intake.people import People
from services.intake.reactions import Ingress, decode_raw
from services.intake.views import TicketView
from shared import db
from shared.configuration import entry_after, no_entry
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EventStore
from shared.forgetting import TicketForgetting
from shared.http import attachments
from shared.http.attachments import Attaching
from shared.projection.deadletters import DeadLetters
from shared.projection.reactor import Reactor
from shared.projection.subscription import Subscription
from shared.service import (
    Kernel,
    Service,
    common_parts,
    producer_of,
    projection_of,
    relay_of,
)
from shared.timers import Regularly

VIEWS = (TicketView(),)


async def build(kernel: Kernel) -> Service:
    """Return the service."""
    parts = await common_parts(kernel, "intake")
    store = EventStore("intake", parts.pool)
    appender = Appender(store)
    people = People(store, appender, parts.pool, kernel.settings.derived_key("person"))
    eraser = Eraser(store, appender)
    forget = forgetting.Forgetting(parts.pool, eraser)
    attaching = Attaching(kernel.settings, "intake", store)
    intake = api.Intake(
        parts.pool, parts.directory, Ledger(store, appender, domain.Door, domain.evolve),
        Ledger(store, appender, no_entry, entry_after), people, forget, eraser,
        Opening(parts.pool), Door(parts.directory), attaching,
    )  # fmt: skip
    ingress = Ingress(intake, parts.pool, DeadLetters(producer_of(kernel.settings)))
    subscription = Subscription(
        "ledgerdesk-ingress", kernel.settings.kafka_bootstrap_servers, parts.pool, [ingress], decode=decode_raw
    )
    dsn = kernel.settings.database_url
    reactor = Reactor(
        "intake", lambda: db.connect(dsn, "intake"), parts.pool,
        {"forgotten": forget.on_forgotten, "created": forget.on_late, "message_received": forget.on_late,
         "collaborator_added": forget.on_late, "personal_erased": TicketForgetting("intake", eraser).on_personal_erased},
    )  # fmt: skip
    return Service(
        name="intake", kernel=kernel, pool=parts.pool, directory=parts.directory, authenticator=parts.authenticator,
        projection=projection_of(kernel, "intake", parts.pool, VIEWS), store=store,
        appender=appender, relay=relay_of(kernel, "intake", parts.pool, appender), reactor=reactor,
        subscriptions=[subscription],
        helpers=[
            Regularly("intake.files", attaching.sweep, attachments.SWEEP_EVERY),
            Regularly("intake.uploads", attaching.files.sweep_uploads, attachments.SWEEP_EVERY),
        ],
        components=intake, on_stop=[ingress.close],
    )  # fmt: skip
