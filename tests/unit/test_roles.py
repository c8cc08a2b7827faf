"""Roles with permissions: what holds in which department, who is refused and with which words, who sees what."""

from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.gateway import domain as gateway
from shared.configuration import entry_after, no_entry
from shared.contracts.event import Via
from shared.contracts.fields import Role
from shared.contracts.permissions import DEFAULTS, MEANING, PERMISSIONS, RoleKey, by_default
from shared.http.caller import Caller
from shared.http.problems import Problem
from shared.http.sight import Sight
from shared.roles import DepartmentRole, department_roles
from shared.testing.given import scenario

ME = UUID(int=7)
AGENT = frozenset({"agent"})
DEPARTMENTS = [{"key": "it"}, {"key": "mail", "parent": "it"}, {"key": "relay", "parent": "mail"}, {"key": "hr"}]
ROLES = [
    {"key": "reader", "permissions": [], "active": True}, {"key": "closer", "permissions": ["ticket.close"], "active": True},
    {"key": "gone", "permissions": ["ticket.close"], "active": False},
]  # fmt: skip
role = scenario("gateway", no_entry, entry_after)


def test_every_permission_means_something_and_every_role_of_an_account_has_its_defaults():
    assert set(MEANING) == PERMISSIONS
    assert set(DEFAULTS) == set(get_args(Role))
    assert by_default({"agent", "analyst"}) == DEFAULTS["agent"] | DEFAULTS["analyst"]
    assert by_default({"nothing of the kind"}) == frozenset()


def test_a_role_holds_in_its_department_and_in_those_within_it_unless_a_nearer_one_says_otherwise():
    found = department_roles({"it": "closer", "relay": "reader"}, AGENT, DEPARTMENTS, ROLES)
    assert {department: one.key for department, one in found.items()} == {
        "it": "closer",
        "mail": "closer",
        "relay": "reader",
    }
    assert found["mail"].permissions == {"ticket.close"}
    assert found["relay"].permissions == frozenset()


@pytest.mark.parametrize("key", ["gone", "never heard of"])
def test_a_role_that_is_retired_or_unknown_permits_nothing(key):
    assert department_roles({"hr": key}, AGENT, DEPARTMENTS, ROLES)["hr"] == DepartmentRole(key, frozenset())


def test_what_the_accounts_other_roles_permit_is_not_taken_away():
    found = department_roles({"hr": "reader"}, frozenset({"agent", "analyst"}), DEPARTMENTS, ROLES)
    assert found["hr"].permissions == DEFAULTS["analyst"]
    assert department_roles({"hr": "reader"}, frozenset({"lead"}), DEPARTMENTS, ROLES) == {}
    assert department_roles({"hr": "closer"}, frozenset({"requester"}), DEPARTMENTS, ROLES) == {}


def test_departments_within_each_other_end_somewhere():
    ring = [{"key": "a", "parent": "b"}, {"key": "b", "parent": "a"}]
    assert department_roles({}, AGENT, ring, ROLES) == {}
    assert {d: one.key for d, one in department_roles({"a": "reader"}, AGENT, ring, ROLES).items()} == {
        "a": "reader", "b": "reader",
    }  # fmt: skip


@given(
    parents=st.lists(st.integers(-1, 7), min_size=1, max_size=8),
    roles=st.dictionaries(st.integers(0, 7), st.sampled_from(["reader", "closer"])),
)
def test_the_nearest_role_wins_in_any_tree(parents, roles):
    """Against a walk that is written otherwise: roles are handed down from parent to child until nothing changes."""
    above = {n: p for n, p in enumerate(parents) if 0 <= p < n}  # a parent comes before its child: a tree
    given_roles = {str(n): key for n, key in roles.items() if n < len(parents)}
    expected = dict(given_roles)
    for n in range(len(parents)):
        if str(n) not in expected and str(above.get(n)) in expected:
            expected[str(n)] = expected[str(above[n])]
    entries = [{"key": str(n), "parent": str(above[n]) if n in above else None} for n in range(len(parents))]
    found = department_roles(given_roles, AGENT, entries, ROLES)
    assert {department: one.key for department, one in found.items()} == expected


def caller(roles=AGENT, sight=None, **in_departments: DepartmentRole) -> Caller:
    return Caller(
        ME, "me", "Me", "me@example.org", frozenset(roles), Via("session", "s"), True, sight or Sight(), None, in_departments
    )  # fmt: skip


def row(department: str | None, **more) -> dict:
    access = {"stated": None, "moved": True, "department": department, "team": None, "agent": None}
    return {"access": {**access, **more}, "requester_id": UUID(int=9), "collaborators": [], "organisation": None}


def test_a_permission_is_that_of_the_tickets_department():
    me = caller(hr=DepartmentRole("reader", frozenset()), it=DepartmentRole("closer", frozenset({"ticket.close"})))
    me.need_permission("ticket.close", row("it"))
    me.need_permission("ticket.reply", row("elsewhere"))
    me.need_permission("ticket.reply", row(None))
    with pytest.raises(Problem) as refused:
        me.need_permission("ticket.reply", row("it"))
    assert refused.value.status == 403
    for word in ("ticket.reply", "department it", "closer", "administrator can give you"):
        assert word in refused.value.detail
    assert refused.value.extra == {"permission": "ticket.reply", "department": "it"}
    with pytest.raises(Problem, match=r"thread\.edit .*where there is no department.*you are, agent"):
        me.need_permission("thread.edit", row(None))


def test_what_is_of_no_one_department_takes_the_permission_in_all():
    caller().need_permission_everywhere("report.agents")
    caller({"lead"}).need_permission_everywhere("report.agents")
    with pytest.raises(Problem, match=r"report\.agents .*department hr"):
        caller(hr=DepartmentRole("reader", frozenset())).need_permission_everywhere("report.agents")
    with pytest.raises(Problem, match=r"ticket\.release_others"):
        caller(hr=DepartmentRole("all", PERMISSIONS)).need_permission_everywhere("ticket.release_others")


def test_a_permission_works_no_ticket_that_one_does_not_see():
    own = caller(sight=Sight("own", str(ME)))
    with pytest.raises(Problem, match="another department's"):
        own.need_permission("ticket.reply", row("it"))
    own.need_permission("ticket.reply", row("it", agent=str(ME)))
    with pytest.raises(Problem, match="takes the role"):
        caller({"requester"}).need_permission("ticket.reply", row("it"))
    assert own.asks({**row("it"), "requester_id": ME})
    assert own.asks({**row("it"), "collaborators": [str(ME)]})
    assert not own.asks(row("it"))
    assert own.is_asker({**row("it"), "collaborators": [str(ME)]}), "whom somebody has let in asks like any other"


def test_who_works_a_ticket_gains_nothing_by_letting_himself_in():
    me = caller(it=DepartmentRole("reader", frozenset()))
    let_in = {**row("it"), "collaborators": [str(ME)]}
    assert me.asks(let_in)
    assert not me.is_asker(let_in)
    assert me.roles_on(let_in) == {"agent", "reader"}
    own = {**row("it"), "requester_id": ME}
    assert me.is_asker(own)
    assert me.roles_on(own) == {"agent", "reader", "requester"}
    assert me.roles_on(row("hr")) == {"agent"}
    assert caller({"requester"}).roles_on(own) == {"requester"}
    assert caller({"agent", "requester"}).roles_on(row("hr")) == {"agent"}, "nobody's requester but his own"
    assert me.may("ticket.close", row("hr"))
    assert not me.may("ticket.close", own)
    assert not caller({"requester"}).may("ticket.close", own)


def test_who_sees_only_his_own_sees_all_of_a_department_where_his_role_says_so():
    sight = Sight("own", str(ME), frozenset({"it"}), frozenset({"night"}))
    assert sight.covers(row("it")["access"])
    assert not sight.covers(row("hr")["access"])
    assert not sight.covers(row("hr", team="night")["access"]), "his team's are his only where he sees departments"
    assert sight.covers({**row("hr")["access"], "referrals": [{"department": "it"}]})
    values: list[object] = []

    def parameter(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    assert sight.condition(parameter).count("department = ANY") == 1
    assert ["it"] in values
    assert "team = ANY" not in sight.condition(parameter)


# -- configuring ----------------------------------------------------------------------------------------------------------

FIRST = {"key": "first", "name": "First level", "permissions": ["ticket.reply"], "active": True}


def configured(**changes):
    return gateway.configure_entry("role", {**FIRST, **changes}, None)[0]


def test_a_role_is_configured_changed_and_left_alone_and_each_change_is_a_version():
    decide = lambda old, **new: gateway.configure_entry("role", {**FIRST, **new}, old)  # noqa: E731 -- the state comes first
    (first,) = role().when(decide).then("configured")
    assert (first.data["new"]["version"], first.data["old"]) == (1, None)
    role(first).when(decide).nothing()
    (second,) = role(first).when(decide, permissions=[]).then("configured")
    assert (second.data["new"]["version"], second.data["old"]["permissions"]) == (2, ["ticket.reply"])
    role(first, second).when(decide, permissions=[]).nothing()
    role(first).when(decide, active=False).then("configured")


@pytest.mark.parametrize("key", sorted(DEFAULTS))
def test_the_roles_of_accounts_are_not_configured(key):
    with pytest.raises(ValidationError, match="must not be one of"):
        TypeAdapter(RoleKey).validate_python(key)
