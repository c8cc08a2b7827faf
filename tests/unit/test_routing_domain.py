"""Routing decides: who handles a ticket, by people, rules and policy."""

from collections import Counter

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from services.routing import domain
from services.routing.domain import Config, Handling, NewTicket, matching_rules, weigh
from shared.contracts.event import NewEvent
from shared.testing.given import scenario

given = scenario("routing", Handling, domain.evolve)
JOHN, JANE, LEA = (f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3))
WHY = {"by": "person", "reason": "test"}
NOBODY = {"agent": None, "team": None}


def assigned(agent: str | None = None, team: str | None = None) -> NewEvent:
    return NewEvent("ledgerdesk.ticket.assigned", {"agent": agent, "team": team, "previous": NOBODY, "why": WHY})


UNASSIGNED = NewEvent("ledgerdesk.ticket.unassigned", {"previous": NOBODY, "why": WHY})


def transferred(department: str | None) -> NewEvent:
    return NewEvent("ledgerdesk.ticket.transferred", {"department": department, "previous": None, "why": WHY})


def agent(person_id: str, *departments: str, **more: object) -> dict[str, object]:
    return {
        "person_id": person_id,
        "departments": list(departments),
        "skills": [],
        "capacity": 0,
        "active": True,
        **more,
    }


CONFIG = Config(
    agents=[
        agent(JOHN, "support"),
        agent(JANE, "sysadmin", skills=["network", "linux"]),
        agent(LEA, "support", "sysadmin"),
    ],
    departments={key: {"key": key, "name": key, "active": True} for key in ("support", "sysadmin")}
    | {"old": {"key": "old", "name": "old", "active": False}},
    teams={"on-call": {"key": "on-call", "members": [JOHN, JANE]}},
    topic_routes={
        "*": {"topic": "*", "department": "support", "skills": []},
        "network": {"topic": "network", "department": "sysadmin", "skills": ["network"]},
    },
)
TICKET = NewTicket("The VPN drops", "Every ten minutes", None, None, None, "api", "ken@example.org", ("vpn",))


# -- people ----------------------------------------------------------------------------------------------------------


def test_assign_tells_the_new_and_the_old_holder_and_the_words():
    (event,) = given(assigned(JOHN)).when(domain.assign, agent=JANE, team="on-call", message="yours").then("assigned")
    assert event.data == {
        "agent": JANE, "team": "on-call", "previous": {"agent": JOHN, "team": None},
        "why": {"by": "person", "reason": "assigned by hand"},
    }  # fmt: skip
    assert event.personal == {"message": "yours"}


@pytest.mark.parametrize(
    ("facts", "agent_id", "team", "refused"),
    [
        ([], JOHN, None, None),
        ([], None, "on-call", None),
        ([assigned(JOHN)], JANE, None, None),
        ([assigned(JOHN)], JOHN, "on-call", None),
        ([assigned(JOHN)], None, "on-call", None),
        ([assigned(JOHN)], JOHN, None, "agent"),
        ([assigned(JOHN, "on-call")], JOHN, "on-call", "agent"),
        ([assigned(JOHN, "on-call")], JOHN, None, "agent"),
        ([assigned(None, "on-call")], None, "on-call", "team"),
        ([assigned(JOHN), UNASSIGNED], JOHN, None, None),
    ],
)
def test_assign(facts, agent_id, team, refused):
    outcome = given(*facts).when(domain.assign, agent=agent_id, team=team, message=None)
    if refused:
        outcome.refused(409, "already", refused)
    else:
        outcome.then("assigned")


def test_claim():
    given().when(domain.claim, agent=JOHN).then("assigned")
    given(assigned(None, "on-call")).when(domain.claim, agent=JOHN).then("assigned")
    given(assigned(JOHN)).when(domain.claim, agent=JOHN).nothing()
    given(assigned(JANE)).when(domain.claim, agent=JOHN).refused(409, "use assign")


@pytest.mark.parametrize(
    ("facts", "by", "others", "refused"),
    [
        ([assigned(JOHN)], JOHN, False, None),
        ([assigned(JOHN)], LEA, True, None),
        ([assigned(JOHN)], None, True, None),
        ([assigned(None, "on-call")], JANE, False, None),
        ([assigned(JOHN)], JANE, False, 403),
        ([assigned(JOHN)], None, False, 403),
        ([], JOHN, True, 409),
        ([assigned(JOHN), UNASSIGNED], JOHN, False, 409),
    ],
)
def test_release(facts, by, others, refused):
    outcome = given(*facts).when(domain.release, by=by, may_release_others=others, message=None)
    if refused:
        outcome.refused(refused)
    else:
        (event,) = outcome.then("unassigned")
        assert event.data["previous"]["agent"] == given(*facts).state.agent


def test_transfer_takes_the_ticket_from_who_does_not_work_there():
    given(assigned(JOHN)).when(domain.transfer, department="sysadmin", config=CONFIG, message=None).then(
        "transferred", "unassigned"
    )
    given(assigned(LEA)).when(domain.transfer, department="sysadmin", config=CONFIG, message=None).then("transferred")
    given().when(domain.transfer, department="sysadmin", config=CONFIG, message="x").then("transferred")
    given(transferred("sysadmin")).when(domain.transfer, department="sysadmin", config=CONFIG, message=None).refused(
        409, "already", "department"
    )
    (event,) = (
        given(transferred("support")).when(domain.transfer, department="sysadmin", config=CONFIG, message=None).events
    )
    assert (event.data["previous"], event.data["department"]) == ("support", "sysadmin")


# -- rules and policy ------------------------------------------------------------------------------------------------


def rule(key: str, tests: list[tuple[str, str, str]], order: int = 1, **more: object) -> dict[str, object]:
    actions = more.pop("actions", {})
    return {
        "key": key, "name": key, "order": order, "match": "all", "stop": True, "active": True, "version": 3,
        "tests": [dict(zip(("field", "op", "value"), test, strict=True)) for test in tests],
        "actions": {"department": None, "agent": None, "team": None, "priority": None, "severity": None, "skills": [],
                    **actions}, **more,
    }  # fmt: skip


def test_rules_come_in_order_and_stop():
    always = [("subject", "contains", "vpn")]
    rules = [
        rule("c", always, 3), rule("b", always, 2), rule("a", always, 1, stop=False), rule("off", always, 0, active=False),
        rule("empty", [], 0),
    ]  # fmt: skip
    assert [held.rule["key"] for held in matching_rules(Config(rules=rules), TICKET)] == ["a", "b"]


def test_match_any_and_all():
    one_of_two = [("subject", "contains", "vpn"), ("topic", "equals", "mail")]
    assert not matching_rules(Config(rules=[rule("r", one_of_two)]), TICKET)
    assert matching_rules(Config(rules=[rule("r", one_of_two, match="any")]), TICKET)


def route(ticket: NewTicket = TICKET, config: Config = CONFIG, load: dict[str, int] | None = None, *facts: NewEvent):
    return given(*facts).when(domain.route, ticket, config, load or {})


def test_a_ticket_without_topic_goes_to_the_default_department_and_its_least_loaded_agent():
    moved, given_to = route(load={JOHN: 3, LEA: 1}).then("transferred", "assigned")
    assert moved.data["department"] == "support"
    assert given_to.data["agent"] == LEA
    why = given_to.data["why"]
    assert (why["by"], why["strategy"]) == ("policy", "skill_least_load")
    assert [(c["agent"], c["load"]) for c in why["candidates"]] == [(JOHN, 3), (LEA, 1)]


def test_skills_exclude():
    ticket = NewTicket("s", "b", "network", None, None, "api", None)
    moved, given_to = route(ticket, load={JANE: 50}).then("transferred", "assigned")
    assert moved.data["department"] == "sysadmin"
    assert given_to.data["agent"] == JANE
    assert {c["agent"]: c.get("excluded") for c in given_to.data["why"]["candidates"]} == {
        JANE: None,
        LEA: "lacks network",
    }


def test_capacity_and_inactivity_exclude_and_a_ticket_may_wait():
    full = Config(
        agents=[agent(JOHN, "support", capacity=2), agent(LEA, "support", active=False)],
        departments=CONFIG.departments, topic_routes=CONFIG.topic_routes,
    )  # fmt: skip
    _, waits = route(config=full, load={JOHN: 2}).then("transferred", "queued")
    assert waits.data["why"]["candidates"][0]["excluded"] == "is at capacity (2)"
    route(config=full, load={JOHN: 1}).then("transferred", "assigned")


def test_an_unknown_topic_and_an_inactive_department():
    route(NewTicket("s", "b", "unheard-of", None, None, "api", None)).then("transferred", "assigned")
    nowhere = Config(
        topic_routes={"*": {"topic": "*", "department": "old", "skills": []}}, departments=CONFIG.departments
    )
    route(config=nowhere).nothing()
    route(config=Config()).nothing()


def with_rule(**actions: object) -> Config:
    return Config(CONFIG.agents, CONFIG.departments, CONFIG.teams, CONFIG.topic_routes,
                  [rule("vpn-first", [("subject", "contains", "vpn")], actions=actions)])  # fmt: skip


HELD = [{"test": 1, "field": "subject", "op": "contains"}]
"""Which test held; not what the requester's words were held against."""


def test_a_rule_names_agent_team_department_priority():
    _, given_to = route(config=with_rule(agent=JANE)).then("transferred", "assigned")
    assert given_to.data["why"] == {
        "by": "rule", "rule": "vpn-first", "rule_version": 3, "reason": "the rule names the agent", "tests": HELD,
    }  # fmt: skip
    _, given_to = route(config=with_rule(team="on-call")).then("transferred", "assigned")
    assert (given_to.data["agent"], given_to.data["team"]) == (None, "on-call")
    moved, _ = route(config=with_rule(department="sysadmin")).then("transferred", "assigned")
    assert (moved.data["department"], moved.data["why"]["rule"]) == ("sysadmin", "vpn-first")
    applied, *_ = route(config=with_rule(priority="emergency", severity="Sev-A")).then(
        "rule_applied", "transferred", "assigned"
    )
    assert applied.data == {
        "rule": "vpn-first", "rule_version": 3, "changes": {"priority": "emergency", "severity": "Sev-A"},
        "why": {"when": "created", "tests": HELD},
    }  # fmt: skip
    _, given_to = route(config=with_rule(agent="00000000-0000-0000-0000-00000000dead")).then("transferred", "assigned")
    assert given_to.data["agent"] in {JOHN, LEA}, "an agent who is not there is passed over"


@pytest.mark.parametrize(
    "wanted",
    [
        {"add_tags": ["vpn"]}, {"remove_tags": ["vpn"]}, {"status": "resolved"}, {"sla": "gold"}, {"escalate": True, "notify": [JOHN]},
        {"watch": [JOHN, JANE]}, {"reply": "received"}, {"add_tags": ["a"], "severity": "Sev-B"},
    ],
)  # fmt: skip
def test_what_others_own_is_wanted_of_them(wanted):
    applied, *_ = route(config=with_rule(**wanted)).then("rule_applied", "transferred", "assigned")
    assert applied.data["changes"] == wanted
    assert applied.personal is None


def test_the_words_of_a_note_are_personal():
    applied, *_ = route(config=with_rule(note="Call them back.")).then("rule_applied", "transferred", "assigned")
    assert (applied.data["changes"], applied.personal) == ({"note": True}, {"note": "Call them back."})


def test_a_rule_that_refuses_is_the_door_s_business():
    route(config=with_rule(reject="No.")).then("transferred", "assigned")


@pytest.mark.parametrize("fact", [assigned(JOHN), UNASSIGNED, transferred("sysadmin")])
def test_a_ticket_that_somebody_has_touched_is_left_alone(fact):
    route(TICKET, CONFIG, {}, fact).nothing()


@drawn(st.lists(st.integers(0, 9), min_size=2, max_size=6), st.integers(1, 60))
def test_least_load_is_fair(loads, tickets):
    """However unequal the start: nobody is given a ticket while somebody has two fewer; at the end all are level."""
    people = [f"00000000-0000-0000-0000-0000000000{n:02}" for n in range(len(loads))]
    config = Config([agent(p, "support") for p in people], CONFIG.departments, {}, CONFIG.topic_routes)
    load = Counter(dict(zip(people, loads, strict=True)))
    for _ in range(tickets):
        least = min(load[p] for p in people)
        event = domain.route(Handling(), TICKET, config, load)[-1]
        chosen = event.data["agent"]
        assert load[chosen] == least
        load[chosen] += 1
    if sum(max(loads) - n for n in loads) <= tickets:
        assert max(load[p] for p in people) - min(load[p] for p in people) <= 1


@drawn(st.permutations(CONFIG.agents), st.dictionaries(st.sampled_from([JOHN, JANE, LEA]), st.integers(0, 5)))
def test_the_decision_does_not_depend_on_the_order_of_agents(agents, load):
    config = Config(agents, CONFIG.departments, CONFIG.teams, CONFIG.topic_routes)
    assert domain.route(Handling(), TICKET, config, load) == domain.route(Handling(), TICKET, CONFIG, load)
    assert weigh("support", [], config, load) == weigh("support", [], CONFIG, load)


def test_configure():
    new = {"key": "support", "name": "Support", "active": True}
    given().when(lambda _: domain.configure("department", new, None)).then("configured")
    given().when(lambda _: domain.configure("department", new, new)).nothing()
    who = {"person_id": JOHN, "departments": [], "skills": [], "capacity": 0, "active": True}
    names = {"login": "john", "name": "John"}
    given().when(lambda _: domain.configure("agent", who, None, names)).then("configured")
    given().when(lambda _: domain.configure("agent", who, who, names, names)).nothing()
    given().when(lambda _: domain.configure("agent", who, who, {**names, "name": "Jon"}, names)).then("configured")


def test_evolve_takes_any_fact_in_any_state():
    state = given(
        UNASSIGNED, transferred(None), assigned(None, None), NewEvent("ledgerdesk.ticket.teleported", {})
    ).state
    assert state == Handling(routed=True)


def referred(agent=None, team=None, department=None, name="referred") -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", {"agent": agent, "team": team, "department": department})


def test_a_referral_gives_sight_and_takes_nothing():
    to = {"agent": JANE, "team": None, "department": None}
    (event,) = given(assigned(JOHN)).when(domain.refer, **to, message="look").then("referred")
    assert (event.data, event.personal) == (to, {"message": "look"})
    after = given(assigned(JOHN), referred(JANE))
    assert after.state.agent == JOHN
    after.when(domain.refer, **to, message=None).nothing()
    after.when(domain.withdraw, **to).then("referral_withdrawn")
    after.when(domain.withdraw, agent=None, team="t", department=None).refused(404, "not referred")
    given(referred(JANE), referred(JANE, name="referral_withdrawn")).when(domain.withdraw, **to).refused(404)


def test_who_answers_first_has_it():
    (event,) = given().when(domain.answered, agent=JOHN).then("assigned")
    assert event.data["why"] == {"by": "policy", "reason": "who answers first has it"}
    given(assigned(JANE)).when(domain.answered, agent=JOHN).nothing()
    (event,) = given(assigned(None, "t")).when(domain.answered, agent=JOHN).then("assigned")
    assert (event.data["agent"], event.data["team"]) == (JOHN, "t"), "the team keeps it, too"
