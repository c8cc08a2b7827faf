"""Every event type there is: who owns it, where it is published, and the schema of each part.

To add a type: write its payload in `tickets`, `directory` or `articles`, add a line here, add a golden sample under
``tests/contract/golden``. To change one: raise its version here and add the step to `upcast`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from shared.contracts import articles as a
from shared.contracts import credentials as c
from shared.contracts import dashboards as b
from shared.contracts import directory as d
from shared.contracts import guests as g
from shared.contracts import queues as q
from shared.contracts import tickets as t
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
    yield _ticket("intake", "created", t.Created, t.CreatedPersonal)
    yield _ticket("intake", "message_received", t.MessageReceived, t.MessagePersonal)
    yield _ticket("intake", "message_edited", t.MessageEdited, t.EditedPersonal)
    yield _ticket("intake", "restated", t.Restated, t.RestatedPersonal)
    yield _ticket("intake", "collaborator_added", t.Collaborating, t.Requester)
    yield _ticket("intake", "collaborator_removed", t.Collaborating)
    yield _ticket("routing", "assigned", t.Assigned, t.Message)
    yield _ticket("routing", "unassigned", t.Unassigned, t.Message)
    yield _ticket("routing", "transferred", t.Transferred, t.Message)
    yield _ticket("routing", "queued", t.Queued)
    yield _ticket("routing", "rule_applied", t.RuleApplied, t.RuleWords)
    yield _ticket("routing", "referred", t.Referred, t.Message)
    yield _ticket("routing", "referral_withdrawn", t.Referred)
    yield from _of_workflow()
    yield _ticket(EVERY, "personal_erased", t.PersonalErased)


def _of_workflow() -> Iterable[EventSpec]:
    yield _ticket("workflow", "started", t.Started)
    yield _ticket("workflow", "noted", t.Noted, t.NotePersonal)
    yield _ticket("workflow", "replied", t.Replied, t.ReplyPersonal)
    yield _ticket("workflow", "auto_replied", t.AutoReplied, t.ReplyPersonal)
    yield _ticket("workflow", "prioritised", t.Prioritised, t.Message)
    yield _ticket("workflow", "held", t.Held, t.HeldPersonal)
    yield _ticket("workflow", "resumed", t.Resumed, t.HeldPersonal)
    yield _ticket("workflow", "resolved", t.Resolved, t.ResolvedPersonal)
    yield _ticket("workflow", "closed", t.Closed, t.Message)
    yield _ticket("workflow", "reopened", t.Reopened, t.Message)
    yield _ticket("workflow", "state_changed", t.StateChanged, t.Message)
    yield _ticket("workflow", "escalated", t.Escalated, t.Message)
    yield _ticket("workflow", "acknowledged", t.Acknowledged, t.Message)
    yield _ticket("workflow", "split_off", t.SplitOff)
    yield _ticket("workflow", "edited", t.Edited, t.EditedPersonal)
    yield _ticket("workflow", "rated", t.Rated, t.RatedPersonal)
    yield _ticket("workflow", "tagged", t.Tagged)
    yield _ticket("workflow", "fields_changed", t.FieldsChanged, t.FieldsChangedPersonal)
    yield _ticket("workflow", "task_added", t.TaskAdded, t.TaskPersonal)
    yield _ticket("workflow", "task_changed", t.TaskChanged, t.TaskChangedPersonal)
    yield _ticket("workflow", "task_done", t.TaskNamed, t.Message)
    yield _ticket("workflow", "task_reopened", t.TaskNamed, t.Message)
    yield _ticket("workflow", "task_dropped", t.TaskNamed, t.Message)
    yield _ticket("workflow", "time_logged", t.TimeLogged, t.TimePersonal)
    yield _ticket("workflow", "time_removed", t.TimeRemoved)
    yield _ticket("workflow", "watched", t.Watching)
    yield _ticket("workflow", "unwatched", t.Watching)
    yield _ticket("workflow", "linked", t.Linking)
    yield _ticket("workflow", "unlinked", t.Linking)
    yield _ticket("workflow", "merged", t.Merged, t.Message)
    yield _ticket("workflow", "unmerged", t.Unmerged, t.Message)
    yield _ticket("workflow", "sla_scheduled", t.SlaScheduled)
    yield _ticket("workflow", "sla_warned", t.SlaWarned)
    yield _ticket("workflow", "sla_breached", t.SlaBreached)
    yield _ticket("workflow", "sla_met", t.SlaMet)
    yield _ticket("workflow", "close_warned", t.CloseWarned)


def _of_articles() -> Iterable[EventSpec]:
    def article(name: str, data: type[Strict], personal: type[Strict] | None = None) -> EventSpec:
        return EventSpec(f"ledgerdesk.{name}", "knowledge", DIRECTORY, data, personal)

    yield article("article.drafted", a.Drafted, a.ArticleText)
    yield article("article.revised", a.Revised, a.ArticleText)
    yield article("article.published", a.Published)
    yield article("article.withdrawn", a.Withdrawn, t.Message)
    yield article("article.moved", a.Moved)
    yield article("article.linked", a.LinkedToTicket)
    yield article("article.unlinked", a.LinkedToTicket)
    yield article("article.personal_erased", t.Erased)
    yield article("article_rating.rated", a.ArticleRated, a.ArticleRatedPersonal)
    yield article("article_rating.personal_erased", t.Erased)
    yield article("category.configured", a.CategoryConfigured)


def _of_entries() -> Iterable[EventSpec]:
    def entry(
        owner: str, name: str, data: type[Strict], personal: type[Strict] | None = None, topic: str | None = DIRECTORY
    ) -> EventSpec:
        return EventSpec(f"ledgerdesk.{name}", owner, topic, data, personal)

    yield entry("intake", "person.registered", d.PersonRegistered, d.PersonPersonal)
    yield entry("intake", "person.forgotten", t.Erased)
    yield entry("intake", "organisation.configured", d.OrganisationConfigured)
    yield entry("intake", "topic.configured", d.TopicConfigured)
    yield entry("intake", "field.configured", d.FieldConfigured)
    yield entry("routing", "department.configured", d.DepartmentConfigured)
    yield entry("routing", "team.configured", d.TeamConfigured)
    yield entry("routing", "agent.configured", d.AgentConfigured, d.AgentPersonal)
    yield entry("routing", "agent.personal_erased", t.Erased)
    yield entry("routing", "topic_route.configured", d.TopicRouteConfigured)
    yield entry("routing", "rule.configured", d.RuleConfigured)
    yield entry("workflow", "policy.configured", d.PolicyConfigured)
    yield entry("workflow", "lifecycle.configured", d.LifecycleConfigured)
    yield entry("workflow", "calendar.configured", d.CalendarConfigured)
    yield entry("workflow", "sla_plan.configured", d.SlaPlanConfigured)
    yield entry("workflow", "canned_reply.configured", d.CannedReplyConfigured)
    yield entry("workflow", "queue.saved", q.QueueSaved, q.QueueSavedPersonal)
    yield entry("workflow", "queue.removed", q.QueueRemoved)
    yield entry("workflow", "queue.personal_erased", t.Erased)
    yield entry("workflow", "dashboard.saved", b.DashboardSaved, b.DashboardSavedPersonal)
    yield entry("workflow", "dashboard.removed", b.DashboardRemoved)
    yield entry("workflow", "dashboard.personal_erased", t.Erased)
    yield entry("gateway", "role.configured", d.RoleConfigured)
    yield entry("gateway", "branding.configured", d.BrandingConfigured)
    yield entry("gateway", "account.configured", d.AccountConfigured, d.AccountPersonal, IDENTITY)
    yield entry("gateway", "account.personal_erased", t.Erased, None, IDENTITY)
    yield entry("gateway", "account.signed_out", d.SignedOut, None, IDENTITY)
    yield entry("gateway", "session.started", d.SessionStarted, None, IDENTITY)
    yield entry("gateway", "session.revoked", d.SessionRevoked, None, IDENTITY)
    yield entry("gateway", "api_key.issued", d.ApiKeyIssued, None, IDENTITY)
    yield entry("gateway", "api_key.revoked", d.ApiKeyRevoked, None, IDENTITY)
    yield entry("gateway", "guest.asked", g.GuestAsked, None, IDENTITY)
    yield entry("gateway", "guest.link_issued", g.GuestLinkIssued, None, IDENTITY)
    yield entry("gateway", "guest.link_used", g.GuestLinkUsed, None, IDENTITY)
    yield entry("gateway", "guest.link_revoked", g.GuestLinkRevoked, None, IDENTITY)
    yield entry(EVERY, "bulk.done", d.BulkDone, None, None)
    yield entry(EVERY, "bulk.undone", d.BulkUndone, None, None)


def _of_credentials() -> Iterable[EventSpec]:
    def secret(name: str, data: type[Strict]) -> EventSpec:
        return EventSpec(f"ledgerdesk.{name}", "gateway", None, data)

    yield secret("credential.password_set", c.PasswordSet)
    yield secret("credential.totp_enrolled", c.TotpEnrolled)
    yield secret("credential.totp_confirmed", c.TotpStep)
    yield secret("credential.totp_used", c.TotpStep)
    yield secret("credential.totp_removed", c.TotpRemoved)
    yield secret("credential.recovery_codes_made", c.RecoveryCodesMade)
    yield secret("credential.recovery_code_used", c.RecoveryCodeUsed)
    yield secret("credential.link_issued", c.LinkIssued)
    yield secret("credential.link_used", c.LinkUsed)
    yield secret("credential.identity_bound", c.IdentityBound)
    yield secret("credential.identity_unbound", c.IdentityUnbound)
    yield secret("identity.linked", c.IdentityLinked)
    yield secret("identity.unlinked", c.IdentityUnlinked)


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
