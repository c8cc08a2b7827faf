"""Workflow, wired."""

from services.workflow import api, domain
from services.workflow.alarms import Alarms
from services.workflow.domain import queues
from services.workflow.domain.dashboards import Dashboard, evolve_dashboard
from services.workflow.forgetting import Forgetting
from services.workflow.reactions import Workflow
from services.workflow.views import REVIEWED, WORDED, DashboardView, QueueView, TicketView
from shared import db
from shared.configuration import entry_after, no_entry
from shared.eventstore.appender import Appender
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Ledger
from shared.eventstore.store import EventStore
from shared.http import attachments
from shared.http.attachments import Attaching
from shared.projection.reactor import Reactor, reactions
from shared.service import Kernel, Service, common_parts, projection_of, relay_of
from shared.timers import Regularly, Timers

SWEEP_EVERY = 30.0
"""Seconds between looks at whom silence has lasted too long."""
VIEWS = (TicketView(), QueueView(), DashboardView())


async def build(kernel: Kernel) -> Service:
    """Return the service."""
    parts = await common_parts(kernel, "workflow")
    store = EventStore("workflow", parts.pool)
    appender = Appender(store)
    tickets = Ledger(store, appender, domain.Life, domain.evolve)
    eraser = Eraser(store, appender)
    entries = Ledger(store, appender, no_entry, entry_after)
    saved = Ledger(store, appender, queues.SavedQueue, queues.evolve_queue)
    shown = Ledger(store, appender, Dashboard, evolve_dashboard)
    forgetting = Forgetting(parts.pool, eraser)
    workflow, alarms = (
        Workflow(parts.pool, tickets, parts.directory),
        Alarms(parts.pool, parts.directory, tickets, entries, kernel.feed),
    )
    attaching = Attaching(kernel.settings, "workflow", store)
    dsn = kernel.settings.database_url
    reactor = Reactor(
        "workflow", lambda: db.connect(dsn, "workflow"), parts.pool,
        reactions(
            {
                "created": workflow.on_created, "rule_applied": workflow.on_rule_applied, "assigned": workflow.on_agent_acted,
                "unassigned": workflow.on_agent_acted, "transferred": workflow.on_agent_acted,
                "message_received": workflow.on_message_received,
                "personal_erased": forgetting.on_personal_erased, "forgotten": forgetting.on_forgotten,
                "saved": forgetting.on_late_save,
            },
            dict.fromkeys(WORDED, forgetting.on_late_words),
            dict.fromkeys(REVIEWED, alarms.on_event),
        ),
        alarms.refresh,
    )  # fmt: skip
    return Service(
        name="workflow", kernel=kernel, pool=parts.pool, directory=parts.directory, authenticator=parts.authenticator,
        projection=projection_of(kernel, "workflow", parts.pool, VIEWS), store=store,
        appender=appender, relay=relay_of(kernel, "workflow", parts.pool, appender), reactor=reactor,
        helpers=[Timers("workflow", parts.pool, alarms.wake), Regularly("workflow.silence", alarms.sweep, SWEEP_EVERY),
                 Regularly("workflow.files", attaching.sweep, attachments.SWEEP_EVERY)],
        components=api.WorkflowApp(parts.pool, parts.directory, tickets, eraser, entries, saved, shown, alarms, attaching),
    )  # fmt: skip
