"""What may make a rule hold, and what rules look at: by whom, after which event, in which state."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.routing import domain
from services.routing.domain import Config, Handling, Moment
from services.routing.domain.causes import CAUSES, by_somebody, kinds_of, when_of
from services.routing.domain.looks import with_words
from services.routing.domain.rules import applied
from services.routing.views import TicketRow, TicketView, evolve, values_of
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.event import NewEvent
from shared.rules import Held, asked, faults, matching
from shared.testing.events import NOON, created, event_of_fact, message
from shared.testing.given import scenario

given = scenario("routing", Handling, domain.evolve)
TICKET = UUID(int=1)
JOHN, JANE, LEA = (str(UUID(int=n)) for n in (1, 2, 3))
PERSON, SYSTEM, RULE = ({"kind": kind, "id": "x"} for kind in ("person", "system", "rule"))
KEY, INGRESS, REACTION, CLOCK, IMPORT = (
    {"kind": kind, "id": "x"} for kind in ("key", "ingress", "reaction", "system", "import")
)
WHY, NOBODY = {"by": "person", "reason": "test"}, {"agent": None, "team": None}


def fact(name: str, personal: dict | None = None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


def event(said: NewEvent, version: int = 1, *, actor=PERSON, via=KEY, **changes):
    owner = CATALOGUE[said.type].owner
    return event_of_fact(said, owner, TICKET, version, actor=actor, via=via, **changes)


REPLIED = fact("replied", {"body": "Try again"})
ASSIGNED = fact("assigned", agent=JOHN, team=None, previous=NOBODY, why=WHY)
URGENT = fact("prioritised", priority="high", severity=None, previous={"priority": "normal", "severity": "Sev-B"})


# -- causes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "when", "kinds"),
    [
        (created(), "created", set()),
        (message(), "message", set()),
        (REPLIED, "replied", set()),
        (fact("started"), "updated", {"status"}),
        (fact("held", until=None), "updated", {"status"}),
        (fact("resumed"), "updated", {"status"}),
        (fact("resolved"), "updated", {"status"}),
        (fact("closed"), "updated", {"status"}),
        (fact("reopened", previous="closed"), "updated", {"status"}),
        (fact("unmerged", into=JOHN, status="open"), "updated", {"status"}),
        (URGENT, "updated", {"priority"}),
        (fact("prioritised", priority="low", severity="Sev-A", previous={"priority": "low", "severity": None}), "updated", {"severity"}),
        (fact("transferred", department="support", previous=None, why=WHY), "updated", {"department"}),
        (ASSIGNED, "updated", {"assignment"}),
        (fact("unassigned", previous=NOBODY, why=WHY), "updated", {"assignment"}),
        (fact("tagged", added=["a"], removed=[]), "updated", {"tags"}),
        (fact("noted", {"body": "psst"}), None, set()),
        (fact("watched", person_id=JOHN), None, set()),
        (fact("rule_applied", rule="r", rule_version=1, changes={}), None, set()),
        (fact("escalated", level=1), None, set()),
        (fact("sla_breached", target="resolution", start="x", due="x"), None, set()),
    ],
)  # fmt: skip
def test_what_asks_which_rules(said, when, kinds):
    assert when_of(event(said)) == when
    assert kinds_of(event(said)) == kinds
    assert (event(said).name in CAUSES) == (when is not None and when != "created")


@pytest.mark.parametrize(
    ("actor", "via", "asks"),
    [
        (PERSON, KEY, True),
        (PERSON, REACTION, True),  # a customer's message has reopened it, in his name
        (SYSTEM, KEY, True),
        (SYSTEM, INGRESS, True),
        (RULE, REACTION, False),
        (SYSTEM, REACTION, False),  # routing's choice, service levels
        (SYSTEM, CLOCK, False),  # a hold's end, silence
    ],
)
def test_only_people_and_other_systems_ask(actor, via, asks):
    assert by_somebody(event(fact("resolved"), actor=actor, via=via)) is asks


def test_what_was_imported_asks_nothing():
    origin = {"log": "old", "case": "1", "row": 1, "activity": "a", "actor": None}
    assert when_of(event(fact("resolved", origin=origin), via=IMPORT)) is None
    assert when_of(event(fact("resolved", origin=origin))) is None


def test_what_a_rule_wants_is_done_in_its_name_and_so_asks_nothing():
    held = Held({"key": "r", "version": 1, "tests": [], "actions": {"priority": "high"}}, [])
    assert when_of(event(applied(held, {"when": "updated"}), actor=RULE, via=REACTION)) is None
    assert when_of(event(URGENT, actor=RULE, via=REACTION)) is None


# -- what rules look at ------------------------------------------------------------------------------------------------


def row_after(*said) -> TicketRow:
    row, versions = TicketView().initial(TICKET), {}
    for one in said:
        whole = one if not isinstance(one, NewEvent) else event(one)
        versions[whole.source] = versions.get(whole.source, 0) + 1
        whole.version = versions[whole.source]
        row = evolve(row, whole)
    return row


def values(*said) -> dict:
    return values_of(row_after(*said))


def test_values_are_those_of_now():
    opened = created(
        topic="vpn", priority="low", tags=["a", "b"], department="support", fields={"floor": 3, "urgent": True}
    )
    assert values(opened) == {
        "topic": "vpn", "channel": "api", "status": "new", "priority": "low", "severity": None, "tags": ["a", "b"],
        "department": "support", "team": None, "agent": None, "field.floor": 3, "field.urgent": True, "unseen": [],
    }  # fmt: skip
    now = values(
        opened, URGENT, ASSIGNED, fact("started"), fact("held", until=None), fact("tagged", added=["c"], removed=["a"]),
        fact("transferred", department=None, previous="support", why=WHY),
        fact("fields_changed", new={"floor": 4, "urgent": None}, old={"floor": 3, "urgent": True}),
    )  # fmt: skip
    assert now == {
        "topic": "vpn", "channel": "api", "status": "on_hold", "priority": "high", "severity": None, "tags": ["b", "c"],
        "department": None, "team": None, "agent": JOHN, "field.floor": 4, "field.urgent": None, "unseen": [],
    }  # fmt: skip
    assert (
        values(opened, fact("fields_changed", new={"floor": 4}), fact("fields_changed", as_created=["floor"]))[
            "field.floor"
        ]
        == 3
    )
    assert values(created())["priority"] == "normal", "what nobody has asked for"


def test_fields_of_words_are_seen_of_a_new_ticket_alone():
    opened = created(worded=["serial"])
    filled = fact("fields_changed", worded={"place": True})
    seen = values(opened, filled)
    assert seen["unseen"] == ["field.serial", "field.place"]
    for op in ("equals", "not_equals"):
        assert not matching([rule(("field.serial", op, ""))], seen), "it is not nothing, and not known either"
    assert matching([rule(("field.other", "equals", ""))], seen)
    assert values(opened, filled, fact("fields_changed", worded={"serial": False, "place": False}))["unseen"] == []
    assert values(opened, filled, fact("fields_changed", as_created=["place"]))["unseen"] == ["field.serial"]
    assert list(faults(rule(("field.serial", "equals", "x")), {"serial"})) == ["tests.0.field"]
    assert faults(rule(("field.serial", "equals", "x"), when="created"), {"serial"}) == {}


def test_an_agent_s_act_on_hold_does_not_open_it():
    assert row_after(created(), fact("held", until=None), fact("started")).status == "on_hold"


def test_words_are_looked_at_where_the_event_has_some():
    seen = with_words({"status": "open"}, subject="s", body=None, email="e", organisation="o")
    assert seen == {"status": "open", "subject": "s", "email": "e", "organisation": "o"}
    assert with_words({}, subject="s", body="b", email=None, organisation=None)["body"] == "b"


def test_the_subject_goes_with_whom_it_was_of():
    erased = fact("personal_erased", reason="asked", versions={"created": [1]}, person_id=JOHN)
    assert row_after(created()).looks["subject"] == "The VPN drops"
    gone = event_of_fact(erased, "intake", TICKET, 2)
    assert "subject" not in row_after(created(), gone).looks


def moments(*said) -> dict:
    return {
        name: at
        for name, at in row_after(*said).looks.items()
        if name in {"opened", "wrote", "moved", "replied", "resolved"}
    }


def at(minutes: int) -> dict:
    return {"occurred_at": NOON + timedelta(minutes=minutes)}


def test_moments_count_from_people_s_acts_alone():
    first = event(created(), **at(0))
    assert moments(first) == {"opened": "2026-11-01T12:00:00.000000Z"}
    seen = moments(
        first, event(message(), **at(5)), event(REPLIED, **at(6)), event(fact("resolved"), **at(7)),
        event(REPLIED, actor=RULE, via=REACTION, **at(8)), event(fact("closed"), actor=RULE, via=REACTION, **at(9)),
    )  # fmt: skip
    assert {name: moment[14:16] for name, moment in seen.items()} == {
        "opened": "00", "wrote": "05", "replied": "06", "resolved": "07", "moved": "07",
    }  # fmt: skip
    origin = {"log": "old", "case": "1", "row": 1, "activity": "a", "actor": None}
    assert moments(event(created(origin=origin), via=IMPORT)) == {}


# -- rules on changes --------------------------------------------------------------------------------------------------


def rule(*tests, key="r", **more):
    return {
        "key": key, "name": key, "order": 1, "when": "updated", "changes": [], "match": "all", "stop": True, "active": True,
        "version": 1, "actions": {}, "tests": [dict(zip(("field", "op", "value"), test, strict=True)) for test in tests], **more,
    }  # fmt: skip


def test_which_rules_are_asked():
    rules = [
        rule(key="any"),
        rule(key="status", changes=["status", "tags"]),
        rule(key="message", when="message"),
        {"key": "old"},
    ]

    def keys(when: str, *changed: str) -> list[str]:
        return [one["key"] for one in asked(rules, when, frozenset(changed))]

    assert keys("updated", "status") == ["any", "status"]
    assert keys("updated", "priority") == ["any"]
    assert keys("message") == ["message"]
    assert keys("created") == ["old"]
    assert keys("replied") == []


@pytest.mark.parametrize(
    ("test", "holds"),
    [
        (("status", "equals", "open"), True),
        (("status", "equals", "new"), False),
        (("department", "not_equals", ""), True),
        (("team", "equals", ""), True),
        (("team", "equals", "on-call"), False),
        (("agent", "equals", JOHN), True),
        (("agent", "equals", ""), False),
        (("agent", "not_equals", JOHN), False),
        (("body", "equals", ""), False),
        (("body", "not_contains", "x"), False),
    ],
)
def test_fields_that_a_ticket_has_later_on(test, holds):
    seen = with_words(
        values(created(department="support"), ASSIGNED, fact("started")),
        subject="s",
        body=None,
        email=None,
        organisation=None,
    )
    assert bool(matching([rule(test)], seen)) is holds


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (rule(("body", "contains", "x")), "tests.0.field"),
        (rule(("agent", "contains", "x")), "tests.0.op"),
        (rule(("status", "equals", "x"), when="created"), "tests.0.field"),
        (rule(("status", "equals", "x"), when="message", changes=["status"]), "changes"),
        (rule(("status", "equals", "x"), actions={"reject": "No."}), "actions.reject"),
    ],
)  # fmt: skip
def test_what_cannot_be_configured(wrong, where):
    assert list(faults(wrong)) == [where]


@pytest.mark.parametrize("when", ["message", "replied"])
def test_a_body_where_there_is_one(when):
    assert faults(rule(("body", "contains", "x"), when=when)) == {}


# -- who handles it ----------------------------------------------------------------------------------------------------


def agent(who: str, *departments: str, **more):
    return {"person_id": who, "departments": list(departments), "skills": [], "capacity": 0, "active": True, **more}


CONFIG = Config(
    agents=[agent(JOHN, "support"), agent(JANE, "sysadmin", skills=["vpn"]), agent(LEA, "support", "sysadmin")],
    departments={key: {"key": key, "active": True} for key in ("support", "sysadmin", "empty")} | {"old": {"key": "old", "active": False}},
    teams={"on-call": {"key": "on-call", "members": [JOHN]}},
)  # fmt: skip
IN_SUPPORT = fact("transferred", department="support", previous=None, why=WHY)


def handled(*facts, load=None, held=None, **actions):
    rules = held or [Held(rule(("subject", "contains", "vpn"), actions=actions), [0])]
    return given(*facts).when(domain.handle, rules, CONFIG, load or {}, Moment(NOON))


def test_a_department_moves_it_and_who_does_not_work_there_gives_it_up():
    moved, given_to = handled(IN_SUPPORT, ASSIGNED, department="sysadmin", load={LEA: 3}).then(
        "transferred", "assigned"
    )
    assert (moved.data["previous"], moved.data["why"]["rule"], moved.data["why"]["tests"]) == (
        "support", "r", [{"test": 1, "field": "subject", "op": "contains"}],
    )  # fmt: skip
    assert (given_to.data["agent"], given_to.data["previous"]["agent"]) == (JANE, JOHN)
    assert given_to.data["why"]["reason"].startswith("rule r: least loaded")
    handled(IN_SUPPORT, fact("assigned", agent=LEA, team=None, previous=NOBODY, why=WHY), department="sysadmin").then(
        "transferred"
    )
    handled(IN_SUPPORT, ASSIGNED, department="support").nothing()
    handled(IN_SUPPORT, ASSIGNED, department="old").nothing()
    _, freed, waits = handled(IN_SUPPORT, ASSIGNED, department="empty").then("transferred", "unassigned", "queued")
    assert (freed.data["previous"]["agent"], waits.data["department"]) == (JOHN, "empty")
    handled(department="empty").then("transferred", "queued")


def test_an_agent_or_a_team_is_named():
    (event,) = handled(IN_SUPPORT, ASSIGNED, agent=JANE).then("assigned")
    assert (event.data["agent"], event.data["why"]["rule"]) == (JANE, "r")
    handled(IN_SUPPORT, ASSIGNED, agent=JOHN).nothing()
    (event,) = handled(ASSIGNED, team="on-call").then("assigned")
    assert (event.data["agent"], event.data["team"]) == (None, "on-call")
    handled(fact("assigned", agent=JOHN, team="on-call", previous=NOBODY, why=WHY), team="on-call").nothing()
    (event,) = handled(ASSIGNED, agent=JOHN, team="on-call").then("assigned")
    assert (event.data["agent"], event.data["team"]) == (JOHN, "on-call")
    handled(IN_SUPPORT, ASSIGNED, agent=str(UUID(int=99))).nothing()
    handled(IN_SUPPORT, ASSIGNED, department="sysadmin", agent=JANE).then("transferred", "assigned")


def test_skills_give_it_to_who_has_them():
    (event,) = handled(
        fact("transferred", department="sysadmin", previous=None, why=WHY), fact("assigned", agent=LEA, team=None, previous=NOBODY, why=WHY),
        skills=["vpn"], load={JANE: 9},
    ).then("assigned")  # fmt: skip
    assert event.data["agent"] == JANE
    handled(IN_SUPPORT, ASSIGNED, skills=["vpn"]).then("unassigned", "queued")
    handled(ASSIGNED, skills=["vpn"]).nothing()


def test_the_first_rule_that_names_one_has_its_way():
    one, other = (Held(rule(("subject", "equals", "x"), key=key, actions=actions), [0]) for key, actions in (
        ("first", {"team": "on-call"}), ("second", {"team": "night", "agent": JANE})))  # fmt: skip
    (event,) = handled(held=[one, other]).then("assigned")
    assert (event.data["team"], event.data["agent"], event.data["why"]["rule"]) == ("on-call", JANE, "second")
    handled(priority="high").nothing()
