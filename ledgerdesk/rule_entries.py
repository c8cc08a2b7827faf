"""Rules in an organisation file: people by login, as everywhere in it. See docs/rules.md."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from shared.contracts.fields import Body, Key, Line, Priority, Severity, Strict, Tag
from shared.contracts.rules import RuleAfter, RuleChange, RuleStatus, RuleTest, RuleWhen

IdOf = Callable[[str, str], str]
"""Returns the person id of a login; told also what names it, for the error."""
NOBODY = "none"
"""An agent's test: that nobody has it."""
_IS_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ActionsEntry(Strict):
    """What a rule does; agents by login."""

    department: Key | None = None
    agent: Line | None = None
    team: Key | None = None
    priority: Priority | None = None
    severity: Severity | None = None
    skills: list[Key] = []
    add_tags: list[Tag] = []
    remove_tags: list[Tag] = []
    status: RuleStatus | None = None
    sla: Key | None = Field(None, description="The plan that is promised, whatever its conditions")
    note: Body | None = Field(None, description="An internal note")
    reply: Key | None = Field(None, description="A canned reply, which the requester is answered with")
    escalate: bool = False
    notify: list[Line] = Field([], description="Whom an escalation calls")
    watch: list[Line] = Field([], description="Who watches the ticket from now on")
    reject: Line | None = Field(None, description="The ticket is refused at the door, with these words")


class RuleEntry(Strict):
    """A routing rule."""

    key: Key
    name: Line
    order: int | None = Field(None, description="Rules are tried by it; none: the place in the file, from 1")
    when: RuleWhen = "created"
    changes: list[RuleChange] = Field([], description="Of rules when something is updated: what; none: anything")
    after: RuleAfter | None = Field(None, description="Of rules on time: how long after what")
    match: Literal["all", "any"] = "all"
    tests: list[RuleTest]
    actions: ActionsEntry
    stop: bool = True
    active: bool = True


def in_order(rules: Sequence[RuleEntry]) -> list[RuleEntry]:
    """Return a file's rules with their order, which is the place in the file where nothing else is said."""
    return [r if r.order is not None else r.model_copy(update={"order": n}) for n, r in enumerate(rules, 1)]


def stated(rules: Sequence[RuleEntry], id_of: IdOf) -> list[dict[str, Any]]:
    """Return a file's rules as routing is told them: people by id, nobody as nothing."""
    return [
        rule.model_dump()
        | {"actions": _actions(rule, id_of), "tests": [_test(rule, test, id_of) for test in rule.tests]}
        for rule in in_order(rules)
    ]


def _actions(rule: RuleEntry, id_of: IdOf) -> dict[str, Any]:
    where, actions = f"rule {rule.key}", rule.actions
    return actions.model_dump() | {
        "agent": id_of(actions.agent, where) if actions.agent else None,
        "notify": [id_of(who, where) for who in actions.notify],
        "watch": [id_of(who, where) for who in actions.watch],
    }


def _test(rule: RuleEntry, test: RuleTest, id_of: IdOf) -> dict[str, Any]:
    said = test.model_dump()
    if test.field == "agent":
        plain = _IS_ID.fullmatch(test.value) is not None
        said["value"] = (
            "" if test.value in {"", NOBODY} else test.value if plain else id_of(test.value, f"rule {rule.key}")
        )
    return said


def exported(rule: Mapping[str, Any], who: Callable[[str | None], str | None]) -> dict[str, Any]:
    """Return a configured rule as a file says it. Who was forgotten is left out, or named by his id where a test needs him."""

    def whom(ids: Sequence[str]) -> list[str]:
        return [login for login in map(who, ids) if login is not None]

    actions, tests = rule["actions"], [dict(test) for test in rule["tests"]]
    for test in tests:
        if test["field"] == "agent":
            test["value"] = (who(test["value"]) or test["value"]) if test["value"] else NOBODY
    people = {name: whom(actions.get(name, [])) for name in ("notify", "watch")}
    said = {name: value for name, value in rule.items() if name != "version"}
    return said | {"actions": {**actions, **people, "agent": who(actions.get("agent"))}, "tests": tests}
