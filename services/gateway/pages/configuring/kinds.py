"""What can be configured on the pages: of each kind its owner, its place in the owner's section, and its form."""

from dataclasses import dataclass
from typing import get_args

from services.gateway.pages.configuring.form import Field, Section
from shared.contracts.directory import FieldType, RuleChange, RuleSince, RuleStatus, RuleWhen, Strategy, Weekday
from shared.contracts.fields import Priority, Severity
from shared.contracts.permissions import MEANING
from shared.rules import AT_THE_DOOR, LATER, OPERATORS


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of configured things.

    Attributes:
        one: Its name, of one of them.
        section: Its part of the owner's section.
        key: The member of an entry that names it.
        optional: Groups that are left out when nothing stands in them.
        ordered: Its entries have an order.
        single: There is one, `desk`.
    """

    name: str
    one: str
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
    "sees": ("all", "departments", "own"), "test_fields": tuple(sorted(AT_THE_DOOR | LATER)),
    "operators": tuple(op for name in OPERATORS for op in (name, f"not_{name}")),
}  # fmt: skip
"""What is offered whatever is configured, by the name that forms give it."""

_KEY = Field("key", "Key", hint="small letters, digits and hyphens; it stays", fixed=True, required=True)
_NAME = Field("name", "Name", required=True)
_ACTIVE = Field("active", "Active", "check", initial=True)
_SKILLS = Field("skills", "Skills", "keys", "with commas between")
_CLOCKS = (Field("start", "From", hint="09:00"), Field("end", "To", hint="17:00"))
_HOURS = (Field("days", "Days", "choices", offered="days"), *_CLOCKS)
_CONDITIONS = (
    Field("field", "Field", "choice", offered="condition_fields"), Field("op", "Is", "choice", offered="condition_ops"),
    Field("values", "Values", "keys", "with commas between"),
)  # fmt: skip


def _of(*fields: Field, title: str = "", hint: str = "") -> Section:
    return Section(title, fields, hint)


def _rights(audience: str, said: str) -> Section:
    return _of(
        Field(f"{audience}.visible", "See it", "check", initial=True),
        Field(f"{audience}.editable", "Fill it in", "check", initial=True),
        Field(f"{audience}.required", "Must fill it in", "check"), title=said,
    )  # fmt: skip


RULE = Kind("Rules", "rule", "routing", "rules", (
    _of(_KEY, _NAME, Field("order", "Order", "number", "rules are tried from the lowest on", required=True, initial=10)),
    _of(
        Field("when", "It is asked when", "choice", offered="when", initial="created", required=True),
        Field("changes", "Of updates: when this changes", "choices", offered="changes", hint="none: anything"),
        Field("after.minutes", "On time: minutes", "number"), Field("after.since", "On time: since", "choice", offered="since"),
        title="When",
    ),
    _of(
        Field("match", "How many must hold", "choice", offered="match", initial="all", required=True),
        Field("tests", "Tests", "rows", parts=(
            Field("field", "Field", "choice", offered="rule_fields"), Field("op", "Operator", "choice", offered="operators"),
            Field("value", "Value", nothing=""),
        )),
        title="Tests",
    ),
    _of(
        Field("actions.department", "Department", "choice", offered="department"), Field("actions.team", "Team", "choice", offered="team"),
        Field("actions.agent", "Agent", "choice", offered="agent"), Field("actions.skills", "Skills", "keys", "with commas between"),
        Field("actions.priority", "Priority", "choice", offered="priorities"),
        Field("actions.severity", "Severity", "choice", offered="severities"),
        Field("actions.add_tags", "Tags to put on", "keys", "with commas between"),
        Field("actions.remove_tags", "Tags to take off", "keys", "with commas between"),
        Field("actions.status", "Status", "choice", offered="statuses"), Field("actions.sla", "SLA plan", "choice", offered="sla_plan"),
        Field("actions.reply", "Canned reply", "choice", offered="canned_reply"), Field("actions.note", "Internal note", "text"),
        Field("actions.escalate", "Escalate", "check"), Field("actions.notify", "Whom it calls", "choices", offered="agent"),
        Field("actions.watch", "Who watches it", "choices", offered="agent"),
        Field("actions.reject", "Refuse the ticket, with these words", hint="alone in its rule"), title="Actions",
    ),
    _of(Field("stop", "Later rules are not asked", "check", initial=True), _ACTIVE, title="Then"),
), optional=("after",), ordered=True)  # fmt: skip

FIELD = Kind("Custom fields", "field", "intake", "fields", (
    _of(_KEY, Field("name", "Label", required=True), Field("type", "Type", "choice", offered="field_types", initial="text", required=True),
        Field("help", "Help", "text"), Field("order", "Place on the form", "number", required=True, initial=10)),
    _of(Field("choices", "Choices", "rows", parts=(
        Field("key", "Key"), Field("name", "Name"), Field("active", "Offered", "check", initial=True),
    )), title="Choices", hint="Of a field of type choice or choices."),
    _rights("customer", "Requesters"), _rights("agent", "Agents"),
    _of(Field("required_to_close", "A ticket is not closed without it", "check"),
        Field("topics", "On the forms of", "choices", offered="topic", hint="none: every ticket's"),
        Field("shown_when", "Only if", "rows", parts=_CONDITIONS), _ACTIVE, title="Where and when"),
), ordered=True)  # fmt: skip

KINDS: dict[str, Kind] = {
    "rule": RULE,
    "field": FIELD,
    "topic": Kind("Topics", "topic", "intake", "topics", (_of(_KEY, _NAME, _ACTIVE),)),
    "topic_route": Kind("Topic routes", "topic route", "routing", "topic_routes", (_of(
        Field("topic", "Topic", "choice", offered="routed_topics", fixed=True, required=True),
        Field("department", "Department", "choice", offered="department"), _SKILLS,
    ),), key="topic"),
    "department": Kind("Departments", "department", "routing", "departments", (_of(
        _KEY, _NAME, Field("parent", "Within", "choice", offered="department"), Field("manager", "Manager", "choice", offered="agent"),
        Field("strategy", "Who gets a ticket", "choice", offered="strategies", initial="least_loaded", required=True),
        Field("public", "Requesters see it", "check", initial=True), _ACTIVE,
    ),)),
    "team": Kind("Teams", "team", "routing", "teams", (_of(
        _KEY, _NAME, Field("members", "Members", "choices", offered="agent"), _ACTIVE,
    ),)),
    "agent": Kind("Agents", "agent", "routing", "agents", (
        _of(Field("login", "Login", required=True), _NAME, Field("email", "E-mail address", fixed=True, required=True), _ACTIVE),
        _of(Field("departments", "Departments", "choices", offered="department"),
            Field("roles", "Roles there", "rows", parts=(
                Field("department", "Department", "choice", offered="department"), Field("role", "Role", "choice", offered="role"),
            )),
            Field("sees", "Sees tickets", "choice", offered="sees", initial="all", required=True), title="Departments and roles"),
        _of(_SKILLS, Field("capacity", "Open tickets at most", "number", "0: no limit", initial=0, nothing=0),
            Field("on_call", "On call", "check"), title="Work"),
        _of(Field("zone", "Time zone", hint="Europe/Vienna", initial="UTC", required=True),
            Field("shifts", "Shifts", "rows", "none: always there", parts=_HOURS),
            Field("away", "Vacation", "rows", parts=(Field("start", "First day", "date"), Field("end", "Last day", "date"))),
            title="When"),
    ), key="person_id"),
    "role": Kind("Roles", "role", "gateway", "roles", (
        _of(_KEY, _NAME, _ACTIVE), _of(Field("permissions", "Permissions", "choices", offered="permissions"), title="Permissions"),
    )),
    "sla_plan": Kind("SLA plans", "SLA plan", "workflow", "sla_plans", (
        _of(_KEY, _NAME, Field("order", "Order", "number", "the first plan whose conditions hold is a ticket's", required=True, initial=10),
            Field("calendar", "Calendar", "choice", "none: round the clock", "calendar"), _ACTIVE),
        _of(Field("priorities", "Priorities", "choices", offered="priorities"), Field("severities", "Severities", "choices", offered="severities"),
            Field("departments", "Departments", "choices", offered="department"), Field("topics", "Topics", "choices", offered="topic"),
            title="For which tickets", hint="What is left empty holds always."),
        _of(Field("targets.own", "Somebody has it", "number"), Field("targets.first_response", "First answer", "number"),
            Field("targets.next_update", "Each later answer", "number"), Field("targets.resolution", "Resolution", "number"),
            Field("warn_percent", "Warn when this much is gone (%)", "number", initial=80, nothing=80),
            Field("pause_on_hold", "Time on hold does not count", "check", initial=True), title="Promises",
            hint="Minutes of the calendar's hours."),
        _of(Field("ladder", "Steps", "rows", parts=(
            Field("after", "Minutes after the breach", "number"), Field("notify", "Calls", "choices", offered="agent"),
            Field("raise_priority", "Raise the priority", "check"), Field("reassign", "To the team", "choice", offered="team"),
        )), title="After a breach"),
    ), ordered=True),
    "calendar": Kind("Calendars", "calendar", "workflow", "calendars", (
        _of(_KEY, _NAME, Field("zone", "Time zone", hint="Europe/Vienna", initial="UTC", required=True), _ACTIVE),
        _of(Field("hours", "Hours", "rows", parts=_HOURS), title="Hours of the week"),
        _of(Field("country", "Public holidays of", hint="ISO 3166: AT"), Field("subdivision", "Part of it", hint="such as BY"),
            Field("closed", "Other days off", "keys", "2026-12-24, with commas between"),
            Field("special", "Special hours", "rows", parts=(Field("date", "Day", "date"), *_CLOCKS)), title="Holidays"),
    )),
    "canned_reply": Kind("Canned replies", "canned reply", "workflow", "canned_replies", (_of(
        _KEY, _NAME, Field("body", "Text", "text", "with variables such as {{ticket.number}}", required=True),
        Field("departments", "For", "choices", "none: everybody", "department"), _ACTIVE,
    ),)),
    "organisation": Kind("Organisations", "organisation", "intake", "organisations", (_of(
        _KEY, _NAME, Field("domains", "Domains", "keys", "with commas between"),
        Field("shared", "Its people see each other's tickets", "check"), _ACTIVE,
    ),)),
    "category": Kind("Article categories", "category", "knowledge", "categories", (_of(
        _KEY, _NAME, Field("parent", "Within", "choice", offered="category"), Field("order", "Order", "number", nothing=0, initial=0),
        Field("visibility", "Seen by", "choice", offered="visibilities", initial="public", required=True),
        Field("departments", "Departments", "choices", offered="department"), _ACTIVE,
    ),)),
}  # fmt: skip
KINDS["policy"] = Kind("Policy", "policy", "workflow", "policy", (
    _of(Field("reopen_days", "A message reopens a closed ticket for so many days", "number", "none: for ever"),
        Field("auto_claim", "Who answers a ticket that nobody has, has it", "check", initial=True),
        Field("close_days", "An answered ticket is closed after so many days of silence", "number", "none: never"),
        Field("close_warning_days", "So many days before, a warning", "number", nothing=2, initial=2),
        Field("guests_read", "Public articles are read without signing in", "check", initial=True)),
), single=True)  # fmt: skip
KINDS["branding"] = Kind("Branding", "branding", "gateway", "branding", (
    _of(Field("name", "Name of the desk", required=True, initial="Ledgerdesk"),
        Field("accent", "Colour", hint="#4f55c4; tones that can be read are made of it"),
        Field("support", "Words on the sign-in page", "text")),
    _of(Field("logo", "Logo", "image", "PNG, JPEG, WebP or SVG, at most 256 KiB"),
        Field("icon", "Icon of the installed desk", "image", "a square PNG of 192 to 1024 pixels"), title="Images"),
    _of(Field("links", "Links", "rows", "imprint, privacy; in the footers", parts=(
        Field("label", "Label"), Field("url", "Address", hint="https://…"),
    )), title="Footer"),
), single=True)  # fmt: skip
WORDS["visibilities"] = ("public", "internal")
PERMITTED = tuple((key, f"{key}: {meaning}") for key, meaning in MEANING.items())
"""Permissions and what each allows."""
NAMED = ("department", "team", "topic", "role", "calendar", "sla_plan", "canned_reply", "category")
"""Kinds whose entries are offered by their names."""
