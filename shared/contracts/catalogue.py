"""Every event type there is: who owns it, where it is published, and the schema of each part.

To add a type: write its payload in the module of its kind (`tickets`, `articles`, `rules`), add a line here, add a golden sample
under ``tests/contract/golden``. To change one: raise its version here and add the step to `upcast`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from shared.contracts import (
    articles,
    branding,
    bulk,
    credentials,
    custom_fields,
    dashboards,
    directory,
    guests,
    hours,
    lifecycle,
    people,
    queues,
    rules,
    service_levels,
    ticket_life,
    ticket_routing,
    ticket_service_levels,
    ticket_work,
    tickets,
)
from shared.contracts.event import NewEvent
from shared.contracts.fields import Strict
from shared.contracts.topic_names import DIRECTORY, IDENTITY, TICKETS
from shared.service_names import OWNERS as OWNERS  # noqa: PLC0414 -- whoever asks who owns what asks here

EVERY = "each"
"""In place of an owner's name: each owner of a stream writes such events to its own part of it."""


class PayloadError(ValueError):
    """An event's payload is not what its schema says. `errors` is pydantic's list: location and reason."""

    def __init__(self, event_type: str, errors: list[dict[str, object]]) -> None:
        self.errors = errors
        first = errors[0]
        where = ".".join(str(part) for part in first["loc"]) if isinstance(first["loc"], tuple) else ""
        super().__init__(f"{event_type}: {where}: {first['msg']}")


Payload = type[Strict]


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One event type: its owner, topic (None: never published), current schema version and payload models."""

    type: str
    owner: str
    topic: str | None
    data: Payload
    personal: Payload | None = None
    schema_version: int = 1


def _ticket(owner: str, name: str, data: type[Strict], personal: type[Strict] | None = None) -> EventSpec:
    """Return the specification of a ticket's event."""
    return EventSpec(f"ledgerdesk.ticket.{name}", owner, TICKETS, data, personal)


def _of_tickets() -> Iterable[EventSpec]:
    yield _ticket("intake", "created", tickets.Created, tickets.CreatedPersonal)
    yield _ticket("intake", "message_received", tickets.MessageReceived, tickets.MessagePersonal)
    yield _ticket("intake", "message_edited", tickets.MessageEdited, tickets.EditedPersonal)
    yield _ticket("intake", "restated", tickets.Restated, tickets.RestatedPersonal)
    yield _ticket("intake", "collaborator_added", tickets.Collaborating, tickets.Requester)
    yield _ticket("intake", "collaborator_removed", tickets.Collaborating)
    yield _ticket("routing", "assigned", ticket_routing.Assigned, tickets.Message)
    yield _ticket("routing", "unassigned", ticket_routing.Unassigned, tickets.Message)
    yield _ticket("routing", "transferred", ticket_routing.Transferred, tickets.Message)
    yield _ticket("routing", "queued", ticket_routing.Queued)
    yield _ticket("routing", "rule_applied", ticket_routing.RuleApplied, ticket_routing.RuleWords)
    yield _ticket("routing", "referred", ticket_routing.Referred, tickets.Message)
    yield _ticket("routing", "referral_withdrawn", ticket_routing.Referred)
    yield from _of_workflow()
    yield _ticket(EVERY, "personal_erased", tickets.PersonalErased)


def _of_workflow() -> Iterable[EventSpec]:
    yield _ticket("workflow", "started", ticket_life.Started)
    yield _ticket("workflow", "noted", ticket_life.Noted, ticket_life.NotePersonal)
    yield _ticket("workflow", "replied", ticket_life.Replied, ticket_life.ReplyPersonal)
    yield _ticket("workflow", "auto_replied", ticket_life.AutoReplied, ticket_life.ReplyPersonal)
    yield _ticket("workflow", "prioritised", ticket_life.Prioritised, tickets.Message)
    yield _ticket("workflow", "held", ticket_life.Held, ticket_life.HeldPersonal)
    yield _ticket("workflow", "resumed", ticket_life.Resumed, ticket_life.HeldPersonal)
    yield _ticket("workflow", "resolved", ticket_life.Resolved, ticket_life.ResolvedPersonal)
    yield _ticket("workflow", "closed", ticket_life.Closed, tickets.Message)
    yield _ticket("workflow", "reopened", ticket_life.Reopened, tickets.Message)
    yield _ticket("workflow", "state_changed", ticket_life.StateChanged, tickets.Message)
    yield _ticket("workflow", "escalated", ticket_service_levels.Escalated, tickets.Message)
    yield _ticket("workflow", "acknowledged", ticket_service_levels.Acknowledged, tickets.Message)
    yield _ticket("workflow", "split_off", ticket_life.SplitOff)
    yield _ticket("workflow", "edited", tickets.Edited, tickets.EditedPersonal)
    yield _ticket("workflow", "rated", ticket_life.Rated, ticket_life.RatedPersonal)
    yield _ticket("workflow", "tagged", ticket_work.Tagged)
    yield _ticket("workflow", "fields_changed", ticket_work.FieldsChanged, ticket_work.FieldsChangedPersonal)
    yield _ticket("workflow", "task_added", ticket_work.TaskAdded, ticket_work.TaskPersonal)
    yield _ticket("workflow", "task_changed", ticket_work.TaskChanged, ticket_work.TaskChangedPersonal)
    yield _ticket("workflow", "task_done", ticket_work.TaskNamed, tickets.Message)
    yield _ticket("workflow", "task_reopened", ticket_work.TaskNamed, tickets.Message)
    yield _ticket("workflow", "task_dropped", ticket_work.TaskNamed, tickets.Message)
    yield _ticket("workflow", "time_logged", ticket_work.TimeLogged, ticket_work.TimePersonal)
    yield _ticket("workflow", "time_removed", ticket_work.TimeRemoved)
    yield _ticket("workflow", "watched", ticket_work.Watching)
    yield _ticket("workflow", "unwatched", ticket_work.Watching)
    yield _ticket("workflow", "linked", ticket_work.Linking)
    yield _ticket("workflow", "unlinked", ticket_work.Linking)
    yield _ticket("workflow", "merged", ticket_work.Merged, tickets.Message)
    yield _ticket("workflow", "unmerged", ticket_work.Unmerged, tickets.Message)
    yield _ticket("workflow", "sla_scheduled", ticket_service_levels.SlaScheduled)
    yield _ticket("workflow", "sla_warned", ticket_service_levels.SlaWarned)
    yield _ticket("workflow", "sla_breached", ticket_service_levels.SlaBreached)
    yield _ticket("workflow", "sla_met", ticket_service_levels.SlaMet)
    yield _ticket("workflow", "close_warned", ticket_service_levels.CloseWarned)


def _of_articles() -> Iterable[EventSpec]:
    def article(name: str, data: type[Strict], personal: type[Strict] | None = None) -> EventSpec:
        return EventSpec(f"ledgerdesk.{name}", "knowledge", DIRECTORY, data, personal)

    yield article("article.drafted", articles.Drafted, articles.ArticleText)
    yield article("article.revised", articles.Revised, articles.ArticleText)
    yield article("article.published", articles.Published)
    yield article("article.withdrawn", articles.Withdrawn, tickets.Message)
    yield article("article.moved", articles.Moved)
    yield article("article.linked", articles.LinkedToTicket)
    yield article("article.unlinked", articles.LinkedToTicket)
    yield article("article.personal_erased", tickets.Erased)
    yield article("article_rating.rated", articles.ArticleRated, articles.ArticleRatedPersonal)
    yield article("article_rating.personal_erased", tickets.Erased)
    yield article("category.configured", articles.CategoryConfigured)


def _of_entries() -> Iterable[EventSpec]:
    def entry(
        owner: str, name: str, data: type[Strict], personal: type[Strict] | None = None, topic: str | None = DIRECTORY
    ) -> EventSpec:
        return EventSpec(f"ledgerdesk.{name}", owner, topic, data, personal)

    yield entry("intake", "person.registered", people.PersonRegistered, people.PersonPersonal)
    yield entry("intake", "person.forgotten", tickets.Erased)
    yield entry("intake", "organisation.configured", directory.OrganisationConfigured)
    yield entry("intake", "topic.configured", directory.TopicConfigured)
    yield entry("intake", "field.configured", custom_fields.FieldConfigured)
    yield entry("routing", "department.configured", directory.DepartmentConfigured)
    yield entry("routing", "team.configured", directory.TeamConfigured)
    yield entry("routing", "agent.configured", directory.AgentConfigured, directory.AgentPersonal)
    yield entry("routing", "agent.personal_erased", tickets.Erased)
    yield entry("routing", "topic_route.configured", directory.TopicRouteConfigured)
    yield entry("routing", "rule.configured", rules.RuleConfigured)
    yield entry("workflow", "policy.configured", directory.PolicyConfigured)
    yield entry("workflow", "lifecycle.configured", lifecycle.LifecycleConfigured)
    yield entry("workflow", "calendar.configured", hours.CalendarConfigured)
    yield entry("workflow", "sla_plan.configured", service_levels.SlaPlanConfigured)
    yield entry("workflow", "canned_reply.configured", directory.CannedReplyConfigured)
    yield entry("workflow", "queue.saved", queues.QueueSaved, queues.QueueSavedPersonal)
    yield entry("workflow", "queue.removed", queues.QueueRemoved)
    yield entry("workflow", "queue.personal_erased", tickets.Erased)
    yield entry("workflow", "dashboard.saved", dashboards.DashboardSaved, dashboards.DashboardSavedPersonal)
    yield entry("workflow", "dashboard.removed", dashboards.DashboardRemoved)
    yield entry("workflow", "dashboard.personal_erased", tickets.Erased)
    yield entry("gateway", "role.configured", directory.RoleConfigured)
    yield entry("gateway", "branding.configured", branding.BrandingConfigured)
    yield entry("gateway", "account.configured", people.AccountConfigured, people.AccountPersonal, IDENTITY)
    yield entry("gateway", "account.personal_erased", tickets.Erased, None, IDENTITY)
    yield entry("gateway", "account.signed_out", people.SignedOut, None, IDENTITY)
    yield entry("gateway", "session.started", people.SessionStarted, None, IDENTITY)
    yield entry("gateway", "session.revoked", people.SessionRevoked, None, IDENTITY)
    yield entry("gateway", "api_key.issued", people.ApiKeyIssued, None, IDENTITY)
    yield entry("gateway", "api_key.revoked", people.ApiKeyRevoked, None, IDENTITY)
    yield entry("gateway", "guest.asked", guests.GuestAsked, None, IDENTITY)
    yield entry("gateway", "guest.link_issued", guests.GuestLinkIssued, None, IDENTITY)
    yield entry("gateway", "guest.link_used", guests.GuestLinkUsed, None, IDENTITY)
    yield entry("gateway", "guest.link_revoked", guests.GuestLinkRevoked, None, IDENTITY)
    yield entry(EVERY, "bulk.done", bulk.BulkDone, None, None)
    yield entry(EVERY, "bulk.undone", bulk.BulkUndone, None, None)


def _of_credentials() -> Iterable[EventSpec]:
    def secret(name: str, data: type[Strict]) -> EventSpec:
        return EventSpec(f"ledgerdesk.{name}", "gateway", None, data)

    yield secret("credential.password_set", credentials.PasswordSet)
    yield secret("credential.totp_enrolled", credentials.TotpEnrolled)
    yield secret("credential.totp_confirmed", credentials.TotpStep)
    yield secret("credential.totp_used", credentials.TotpStep)
    yield secret("credential.totp_removed", credentials.TotpRemoved)
    yield secret("credential.recovery_codes_made", credentials.RecoveryCodesMade)
    yield secret("credential.recovery_code_used", credentials.RecoveryCodeUsed)
    yield secret("credential.link_issued", credentials.LinkIssued)
    yield secret("credential.link_used", credentials.LinkUsed)
    yield secret("credential.identity_bound", credentials.IdentityBound)
    yield secret("credential.identity_unbound", credentials.IdentityUnbound)
    yield secret("identity.linked", credentials.IdentityLinked)
    yield secret("identity.unlinked", credentials.IdentityUnlinked)


CATALOGUE: dict[str, EventSpec] = {
    spec.type: spec for spec in (*_of_tickets(), *_of_articles(), *_of_entries(), *_of_credentials())
}


def spec_of(event_type: str) -> EventSpec:
    """Return the specification of a type.

    Raises:
        KeyError: No such type.
    """
    return CATALOGUE[event_type]


def check(event: NewEvent, owner: str) -> EventSpec:
    """Check a fact that is about to be written: known type, right owner, payload of the current schema.

    Raises:
        PayloadError: With the place and the reason.
    """
    spec = CATALOGUE.get(event.type)
    if spec is None:
        raise PayloadError(event.type, [{"loc": ("type",), "msg": "unknown event type"}])
    if spec.owner not in {owner, EVERY}:
        raise PayloadError(event.type, [{"loc": ("type",), "msg": f"belongs to {spec.owner}, not to {owner}"}])
    part = "data"
    try:
        spec.data.model_validate(event.data)
        part = "personal"
        if spec.personal is not None:
            spec.personal.model_validate(event.personal or {})
        elif event.personal:
            raise PayloadError(event.type, [{"loc": ("personal",), "msg": "this event has no personal part"}])
    except ValidationError as error:
        raise PayloadError(
            event.type, [{"loc": (part, *e["loc"]), "msg": e["msg"]} for e in error.errors(include_url=False)]
        ) from error
    return spec
