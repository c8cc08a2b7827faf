"""What can be configured on the pages: of each kind its owner, its place in the owner's section, and its form."""

from dataclasses import dataclass
from typing import get_args

from services.gateway.pages.configuring.form import Field, Section
from services.gateway.pages.language import N_
from shared.contracts.custom_fields import FieldType
from shared.contracts.directory import Strategy
from shared.contracts.fields import Priority, Severity
from shared.contracts.hours import Weekday
from shared.contracts.lifecycle import LifecycleState, MoveVerb
from shared.contracts.rules import RuleChange, RuleSince, RuleStatus, RuleWhen
from shared.rules import AT_THE_DOOR, LATER, OPERATORS


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of configured things.

    Attributes:
        one: What one of them is called; `words` says it.
        new: Over the form of a new one.
        section: Its part of the owner's section.
        key: The member of an entry that names it.
        optional: Groups that are left out when nothing stands in them.
        ordered: Its entries have an order.
        single: There is one, `desk`.
    """

    name: str
    one: str
    new: str
    owner: str
    section: str
    sections: tuple[Section, ...]
    key: str = "key"
    optional: tuple[str, ...] = ()
    ordered: bool = False
    single: bool = False


WORDS: dict[str, tuple[str, ...]] = {
    "priorities": get_args(Priority), "severities": get_args(Severity), "when": get_args(RuleWhen), "since": get_args(RuleSince),
    "changes": get_args(RuleChange), "statuses": get_args(RuleStatus), "match": ("all", "any"), "field_types": get_args(FieldType),
    "condition_ops": ("is", "is_not", "filled", "empty"), "strategies": get_args(Strategy), "days": get_args(Weekday),
    "state_statuses": get_args(LifecycleState.model_fields["status"].annotation), "verbs": get_args(MoveVerb),
    "sees": ("all", "departments", "own"), "test_fields": tuple(sorted(AT_THE_DOOR | LATER)),
    "operators": tuple(op for name in OPERATORS for op in (name, f"not_{name}")),
}  # fmt: skip
"""What is offered whatever is configured, by the name that forms give it."""

_KEY = Field("key", N_("Key"), hint=N_("small letters, digits and hyphens; it stays"), fixed=True, required=True)
_NAME = Field("name", N_("Name"), required=True)
_ACTIVE = Field("active", N_("Active"), "check", initial=True)
_SKILLS = Field("skills", N_("Skills"), "keys", N_("with commas between"))
_CLOCKS = (Field("start", N_("From"), hint=N_("09:00")), Field("end", N_("To"), hint=N_("17:00")))
_HOURS = (Field("days", N_("Days"), "choices", offered="days"), *_CLOCKS)
_CONDITIONS = (
    Field("field", N_("Field"), "choice", offered="condition_fields"), Field("op", N_("Is"), "choice", offered="condition_ops"),
    Field("values", N_("Values"), "keys", N_("with commas between")),
)  # fmt: skip


def _of(*fields: Field, title: str = "", hint: str = "") -> Section:
    return Section(title, fields, hint)


def _rights(audience: str, said: str) -> Section:
    return _of(
        Field(f"{audience}.visible", N_("See it"), "check", initial=True),
        Field(f"{audience}.editable", N_("Fill it in"), "check", initial=True),
        Field(f"{audience}.required", N_("Must fill it in"), "check"), title=said,
    )  # fmt: skip


RULE = Kind(N_("Rules"), "rule", N_("New rule"), "routing", "rules", (
    _of(_KEY, _NAME, Field("order", N_("Order"), "number", N_("rules are tried from the lowest on"), required=True, initial=10)),
    _of(
        Field("when", N_("It is asked when"), "choice", offered="when", initial="created", required=True),
        Field("changes", N_("Of updates: when this changes"), "choices", offered="changes", hint=N_("none: anything")),
        Field("after.minutes", N_("On time: minutes"), "number"), Field("after.since", N_("On time: since"), "choice", offered="since"),
        title=N_("When"),
    ),
    _of(
        Field("match", N_("How many must hold"), "choice", offered="match", initial="all", required=True),
        Field("tests", N_("Tests"), "rows", parts=(
            Field("field", N_("Field"), "choice", offered="rule_fields"), Field("op", N_("Operator"), "choice", offered="operators"),
            Field("value", N_("Value"), nothing=""),
        )),
        title=N_("Tests"),
    ),
    _of(
        Field("actions.department", N_("Department"), "choice", offered="department"), Field("actions.team", N_("Team"), "choice", offered="team"),
        Field("actions.agent", N_("Agent"), "choice", offered="agent"), Field("actions.skills", N_("Skills"), "keys", N_("with commas between")),
        Field("actions.priority", N_("Priority"), "choice", offered="priorities"),
        Field("actions.severity", N_("Severity"), "choice", offered="severities"),
        Field("actions.add_tags", N_("Tags to put on"), "keys", N_("with commas between")),
        Field("actions.remove_tags", N_("Tags to take off"), "keys", N_("with commas between")),
        Field("actions.status", N_("Status"), "choice", offered="statuses"), Field("actions.sla", N_("SLA plan"), "choice", offered="sla_plan"),
        Field("actions.reply", N_("Canned reply"), "choice", offered="canned_reply"), Field("actions.note", N_("Internal note"), "text"),
        Field("actions.escalate", N_("Escalate"), "check"), Field("actions.notify", N_("Whom it calls"), "choices", offered="agent"),
        Field("actions.watch", N_("Who watches it"), "choices", offered="agent"),
        Field("actions.reject", N_("Refuse the ticket, with these words"), hint=N_("alone in its rule")), title=N_("Actions"),
    ),
    _of(Field("stop", N_("Later rules are not asked"), "check", initial=True), _ACTIVE, title=N_("Then")),
), optional=("after",), ordered=True)  # fmt: skip

FIELD = Kind(N_("Custom fields"), "field", N_("New field"), "intake", "fields", (
    _of(_KEY, Field("name", N_("Label"), required=True), Field("type", N_("Type"), "choice", offered="field_types", initial="text", required=True),
        Field("help", N_("Help"), "text"), Field("order", N_("Place on the form"), "number", required=True, initial=10)),
    _of(Field("choices", N_("Choices"), "rows", parts=(
        Field("key", N_("Key")), Field("name", N_("Name")), Field("active", N_("Offered"), "check", initial=True),
    )), title=N_("Choices"), hint=N_("Of a field of type choice or choices.")),
    _rights("customer", N_("Requesters")), _rights("agent", N_("Agents")),
    _of(Field("required_to_close", N_("A ticket is not closed without it"), "check"),
        Field("topics", N_("On the forms of"), "choices", offered="topic", hint=N_("none: every ticket's")),
        Field("shown_when", N_("Only if"), "rows", parts=_CONDITIONS), _ACTIVE, title=N_("Where and when")),
), ordered=True)  # fmt: skip

KINDS: dict[str, Kind] = {
    "rule": RULE,
    "field": FIELD,
    "topic": Kind(N_("Topics"), "topic", N_("New topic"), "intake", "topics", (_of(_KEY, _NAME, _ACTIVE),)),
    "topic_route": Kind(N_("Topic routes"), "topic route", N_("New topic route"), "routing", "topic_routes", (_of(
        Field("topic", N_("Topic"), "choice", offered="routed_topics", fixed=True, required=True),
        Field("department", N_("Department"), "choice", offered="department"), _SKILLS,
    ),), key="topic"),
    "department": Kind(N_("Departments"), "department", N_("New department"), "routing", "departments", (_of(
        _KEY, _NAME, Field("parent", N_("Within"), "choice", offered="department"), Field("manager", N_("Manager"), "choice", offered="agent"),
        Field("strategy", N_("Who gets a ticket"), "choice", offered="strategies", initial="least_loaded", required=True),
        Field("public", N_("Requesters see it"), "check", initial=True), _ACTIVE,
    ),)),
    "team": Kind(N_("Teams"), "team", N_("New team"), "routing", "teams", (_of(
        _KEY, _NAME, Field("members", N_("Members"), "choices", offered="agent"), _ACTIVE,
    ),)),
    "agent": Kind(N_("Agents"), "agent", N_("New agent"), "routing", "agents", (
        _of(Field("login", N_("Login"), required=True), _NAME, Field("email", N_("E-mail address"), fixed=True, required=True), _ACTIVE),
        _of(Field("departments", N_("Departments"), "choices", offered="department"),
            Field("roles", N_("Roles there"), "rows", parts=(
                Field("department", N_("Department"), "choice", offered="department"), Field("role", N_("Role"), "choice", offered="role"),
            )),
            Field("sees", N_("Sees tickets"), "choice", offered="sees", initial="all", required=True), title=N_("Departments and roles")),
        _of(_SKILLS, Field("capacity", N_("Open tickets at most"), "number", N_("0: no limit"), initial=0, nothing=0),
            Field("on_call", N_("On call"), "check"), title=N_("Work")),
        _of(Field("zone", N_("Time zone"), hint=N_("Europe/Vienna"), initial="UTC", required=True),
            Field("shifts", N_("Shifts"), "rows", N_("none: always there"), parts=_HOURS),
            Field("away", N_("Vacation"), "rows", parts=(Field("start", N_("First day"), "date"), Field("end", N_("Last day"), "date"))),
            title=N_("When")),
    ), key="person_id"),
    "role": Kind(N_("Roles"), "role", N_("New role"), "gateway", "roles", (
        _of(_KEY, _NAME, _ACTIVE), _of(Field("permissions", N_("Permissions"), "choices", offered="permissions"), title=N_("Permissions")),
    )),
    "sla_plan": Kind(N_("SLA plans"), "SLA plan", N_("New SLA plan"), "workflow", "sla_plans", (
        _of(_KEY, _NAME, Field("order", N_("Order"), "number", N_("the first plan whose conditions hold is a ticket's"), required=True, initial=10),
            Field("calendar", N_("Calendar"), "choice", N_("none: round the clock"), "calendar"), _ACTIVE),
        _of(Field("priorities", N_("Priorities"), "choices", offered="priorities"), Field("severities", N_("Severities"), "choices", offered="severities"),
            Field("departments", N_("Departments"), "choices", offered="department"), Field("topics", N_("Topics"), "choices", offered="topic"),
            title=N_("For which tickets"), hint=N_("What is left empty holds always.")),
        _of(Field("targets.own", N_("Somebody has it"), "number"), Field("targets.first_response", N_("First answer"), "number"),
            Field("targets.next_update", N_("Each later answer"), "number"), Field("targets.resolution", N_("Resolution"), "number"),
            Field("warn_percent", N_("Warn when this much is gone (%)"), "number", initial=80, nothing=80),
            Field("pause_on_hold", N_("Time on hold does not count"), "check", initial=True), title=N_("Promises"),
            hint=N_("Minutes of the calendar's hours.")),
        _of(Field("ladder", N_("Steps"), "rows", parts=(
            Field("after", N_("Minutes after the breach"), "number"), Field("notify", N_("Calls"), "choices", offered="agent"),
            Field("raise_priority", N_("Raise the priority"), "check"), Field("reassign", N_("To the team"), "choice", offered="team"),
        )), title=N_("After a breach")),
    ), ordered=True),
    "calendar": Kind(N_("Calendars"), "calendar", N_("New calendar"), "workflow", "calendars", (
        _of(_KEY, _NAME, Field("zone", N_("Time zone"), hint=N_("Europe/Vienna"), initial="UTC", required=True), _ACTIVE),
        _of(Field("hours", N_("Hours"), "rows", parts=_HOURS), title=N_("Hours of the week")),
        _of(Field("country", N_("Public holidays of"), hint=N_("ISO 3166: AT")), Field("subdivision", N_("Part of it"), hint=N_("such as BY")),
            Field("closed", N_("Other days off"), "keys", N_("2026-12-24, with commas between")),
            Field("special", N_("Special hours"), "rows", parts=(Field("date", N_("Day"), "date"), *_CLOCKS)), title=N_("Holidays")),
    )),
    "canned_reply": Kind(N_("Canned replies"), "canned reply", N_("New canned reply"), "workflow", "canned_replies", (_of(
        _KEY, _NAME, Field("body", N_("Text"), "text", N_("with variables such as {{ticket.number}}"), required=True),
        Field("departments", N_("For"), "choices", N_("none: everybody"), "department"), _ACTIVE,
    ),)),
    "organisation": Kind(N_("Organisations"), "organisation", N_("New organisation"), "intake", "organisations", (_of(
        _KEY, _NAME, Field("domains", N_("Domains"), "keys", N_("with commas between")),
        Field("shared", N_("Its people see each other's tickets"), "check"), _ACTIVE,
    ),)),
    "category": Kind(N_("Article categories"), "category", N_("New category"), "knowledge", "categories", (_of(
        _KEY, _NAME, Field("parent", N_("Within"), "choice", offered="category"), Field("order", N_("Order"), "number", nothing=0, initial=0),
        Field("visibility", N_("Seen by"), "choice", offered="visibilities", initial="public", required=True),
        Field("departments", N_("Departments"), "choices", offered="department"), _ACTIVE,
    ),)),
}  # fmt: skip
KINDS["policy"] = Kind(N_("Policy"), "policy", N_("New policy"), "workflow", "policy", (
    _of(Field("reopen_days", N_("A message reopens a closed ticket for so many days"), "number", N_("none: for ever")),
        Field("auto_claim", N_("Who answers a ticket that nobody has, has it"), "check", initial=True),
        Field("close_days", N_("An answered ticket is closed after so many days of silence"), "number", N_("none: never")),
        Field("close_warning_days", N_("So many days before, a warning"), "number", nothing=2, initial=2),
        Field("guests_read", N_("Public articles are read without signing in"), "check", initial=True)),
), single=True)  # fmt: skip
KINDS["lifecycle"] = Kind(N_("Lifecycle"), "lifecycle", N_("New lifecycle"), "workflow", "lifecycle", (
    _of(Field("states", N_("States"), "rows", N_("within the statuses that there are"), parts=(
        Field("key", N_("Key")), Field("name", N_("Name")), Field("status", N_("Status"), "choice", offered="state_statuses"),
        Field("public", N_("Requesters see it"), "check"), Field("active", N_("Active"), "check", initial=True),
    )), title=N_("States of the desk's own")),
    _of(Field("moves", N_("Moves"), "rows", N_("those of one kind are alternatives; of a kind that is not named, what is usual holds"), parts=(
        Field("verb", N_("Move"), "choice", offered="verbs"), Field("when", N_("In"), "keys", N_("statuses and states")),
        Field("to", N_("Into"), "keys", N_("states")), Field("by", N_("By"), "keys", N_("roles")),
        Field("message", N_("Takes words"), "check"),
    )), title=N_("Allowed moves")),
), single=True)  # fmt: skip
KINDS["branding"] = Kind(N_("Branding"), "branding", N_("New branding"), "gateway", "branding", (
    _of(Field("name", N_("Name of the desk"), required=True, initial="Ledgerdesk"),
        Field("accent", N_("Colour"), hint=N_("#4f55c4; tones that can be read are made of it")),
        Field("support", N_("Words on the sign-in page"), "text")),
    _of(Field("logo", N_("Logo"), "image", N_("PNG, JPEG, WebP or SVG, at most 256 KiB")),
        Field("icon", N_("Icon of the installed desk"), "image", N_("a square PNG of 192 to 1024 pixels")), title=N_("Images")),
    _of(Field("links", N_("Links"), "rows", N_("imprint, privacy; in the footers"), parts=(
        Field("label", N_("Label")), Field("url", N_("Address"), hint=N_("begins with https://")),
    )), title=N_("Footer")),
), single=True)  # fmt: skip
WORDS["visibilities"] = ("public", "internal")
NAMED = ("department", "team", "topic", "role", "calendar", "sla_plan", "canned_reply", "category")
"""Kinds whose entries are offered by their names."""
