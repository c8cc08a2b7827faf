"""Roles with permissions: for each permission somebody who has all but it, and somebody who has nothing else."""

from uuid import uuid4

import pytest
import yaml

from shared.contracts.permissions import PERMISSIONS
from shared.service_names import OWNERS
from shared.testing.wait import wait_until
from tests.e2e.desk import ledgerdesk, opened
from tests.e2e.rights.table import (
    OF_THE_REQUESTER,
    OTHER_OPERATIONS,
    PERMISSION_FOR,
    SIGHT_ALONE,
    TICKET_OPERATIONS,
    outcome,
)
from tests.knowing import all_know, settled

RUN = uuid4().hex[:6]
HERE, WITHIN, ELSEWHERE = f"p-here-{RUN}", f"p-within-{RUN}", f"p-elsewhere-{RUN}"
BY_ITSELF = {"ticket.release_others", "ticket.see_all", "report.agents", "article.manage"}
"""Permissions that no line of the table can show; each has a test of its own below."""
RELEASE = ("POST", "/release")
"""Whose permission it takes depends on who has the ticket: a test of its own, too."""


def key_of(permission: str) -> str:
    return permission.replace(".", "-").replace("_", "-")


def but(permission: str) -> str:
    return f"but-{key_of(permission)}-{RUN}@desk.example"


def only(permission: str) -> str:
    return f"only-{key_of(permission)}-{RUN}@desk.example"


def test_the_table_has_every_operation_and_every_permission():
    needing = [operation for operations in PERMISSION_FOR.values() for operation in operations]
    assert len(needing) == len(set(needing))
    assert set(needing) | SIGHT_ALONE | OF_THE_REQUESTER == set(TICKET_OPERATIONS)
    assert set(PERMISSION_FOR) | BY_ITSELF == PERMISSIONS, (
        "a permission that no endpoint asks for, or the other way round"
    )


@pytest.fixture(scope="module")
def as_(stack, tmp_path_factory):
    """Return a client that acts for somebody."""
    roles, people = [], []
    for permission in sorted(PERMISSIONS):
        key, sees = key_of(permission), "own" if permission == "ticket.see_all" else "all"
        roles += [
            {"key": f"but-{key}-{RUN}", "name": "All but one", "permissions": sorted(PERMISSIONS - {permission})},
            {"key": f"only-{key}-{RUN}", "name": "One", "permissions": [permission]},
        ]
        people += [
            {"email": who(permission), "roles_in": {HERE: f"{kind}-{key}-{RUN}"}, "sees": sees}
            for kind, who in (("but", but), ("only", only))
        ]
    roles.append({"key": f"nothing-{RUN}", "name": "Nothing", "permissions": []})
    everything = {HERE: f"but-thread-edit-{RUN}", ELSEWHERE: f"nothing-{RUN}"}
    people += [
        {"email": f"two-{RUN}@desk.example", "roles_in": everything},
        {"email": f"nearer-{RUN}@desk.example", "roles_in": {HERE: f"but-thread-edit-{RUN}", WITHIN: f"nothing-{RUN}"}},
        {"email": f"chief-{RUN}@desk.example", "login": f"chief-{RUN}", "roles": ["lead"], "roles_in": {HERE: f"nothing-{RUN}"}},
    ]  # fmt: skip
    file = {
        "departments": [
            {"key": HERE, "name": "Here"}, {"key": WITHIN, "name": "Within", "parent": HERE}, {"key": ELSEWHERE, "name": "Elsewhere"},
        ],
        "topics": [{"key": WITHIN, "name": "Within", "department": WITHIN}], "roles": roles, "people": people,
    }  # fmt: skip
    path = tmp_path_factory.mktemp("permissions") / "roles.yaml"
    path.write_text(yaml.safe_dump(file))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    clients = {}

    def client_of(who: str):
        if who not in clients:
            clients[who] = stack.client()
            clients[who].headers["Ledgerdesk-On-Behalf-Of"] = who
        return clients[who]

    yield client_of
    for client in clients.values():
        client.close()


def within(admin) -> str:
    """Open a ticket of the inner department, where every service has it."""
    made = opened(admin, topic=WITHIN)
    settled(admin)
    assert admin.get(f"/tickets/{made}").json()["department"] == WITHIN
    return made


@pytest.fixture(scope="module")
def ticket(as_, stack):
    del as_  # who made the departments
    with stack.client() as admin:
        return within(admin)


@pytest.mark.parametrize("permission", sorted(PERMISSION_FOR))
def test_all_but_one_is_refused_where_it_is_needed(permission, as_, ticket):
    client = as_(but(permission))
    for method, path in PERMISSION_FOR[permission]:
        if (method, path) == RELEASE:
            continue
        body = ours(TICKET_OPERATIONS[method, path][0], ticket)
        answer = client.request(method, f"/tickets/{ticket}{path}", json=body)
        assert answer.status_code == 403, (method, path, answer.text)
        problem = answer.json()
        assert (problem["permission"], problem["department"]) == (permission, WITHIN)
        assert permission in problem["detail"]
        assert WITHIN in problem["detail"]
        bulk = ("POST", f"/bulk{path}")
        if bulk in OTHER_OPERATIONS:
            body = {"tickets": [ticket], "body": OTHER_OPERATIONS[bulk][0]["body"]}
            (item,) = client.post(bulk[1], json=body).raise_for_status().json()["results"]
            assert item["status"] == 403, bulk
            assert permission in item["detail"]


@pytest.mark.parametrize("permission", sorted(PERMISSION_FOR))
def test_one_is_enough_where_it_is_needed_and_for_nothing_else(permission, as_, ticket):
    client, wrong = as_(only(permission)), []
    for needed, operations in PERMISSION_FOR.items():
        for method, path in operations:
            if (method, path) == RELEASE:
                continue
            body = ours(TICKET_OPERATIONS[method, path][0], ticket)
            found = outcome(client, method, f"/tickets/{ticket}{path}", body)
            if (found == "may") != (permission == needed):
                wrong.append((method, path, found))
    assert wrong == []
    for method, path in SIGHT_ALONE:
        assert outcome(client, method, f"/tickets/{ticket}{path}", TICKET_OPERATIONS[method, path][0]) == "may", path


def ours(said: object, ticket: str) -> object:
    return {k: ticket if v == "self" else v for k, v in said.items()} if isinstance(said, dict) else said


def test_opening_for_others_takes_the_permission_where_the_topics_tickets_go(as_):
    body = {"subject": "x", "body": "x", "requester": {"email": "ken@example.org"}}
    refused = as_(but("ticket.create")).post("/tickets", json={**body, "topic": WITHIN})
    assert (refused.status_code, refused.json()["department"]) == (403, WITHIN)
    assert as_(only("ticket.create")).post("/tickets", json={**body, "topic": WITHIN}).status_code == 201
    assert as_(but("ticket.create")).post("/tickets", json=body).status_code == 201, "the default department is not his"
    own = {**body, "requester": {"email": but("ticket.create")}, "topic": WITHIN}
    assert as_(but("ticket.create")).post("/tickets", json=own).status_code == 201, "anybody asks for himself"


def test_what_another_has_takes_another_permission_to_give_back(as_, admin):
    def held_by(who: str) -> str:
        made = within(admin)
        admin.post(f"/tickets/{made}/assign", json={"agent": who}).raise_for_status()
        all_know(admin)
        return f"/tickets/{made}/release"

    mine, others = only("ticket.release"), only("ticket.release_others")
    refused = as_(others).post(held_by(others))
    assert (refused.status_code, refused.json()["permission"]) == (403, "ticket.release")
    assert as_(mine).post(held_by(mine)).status_code == 200
    refused = as_(mine).post(held_by(others))
    assert (refused.status_code, refused.json()["permission"]) == (403, "ticket.release_others")
    assert as_(others).post(held_by(mine)).status_code == 200
    assert as_(but("ticket.release_others")).post(held_by(mine)).status_code == 403
    assert as_(but("ticket.release")).post(held_by(but("ticket.release"))).status_code == 403


def test_others_words_take_another_permission_than_ones_own(as_, admin):
    made = within(admin)
    writer, editor = as_(only("ticket.note")), as_(only("thread.edit"))
    assert writer.post(f"/tickets/{made}/notes", json={"body": "mine"}).status_code == 201
    assert admin.post(f"/tickets/{made}/notes", json={"body": "another's"}).status_code == 201
    said = lambda: {  # noqa: E731 -- waited for below
        i["data"].get("body"): i["id"]
        for i in admin.get(f"/tickets/{made}/timeline").json()["items"]
        if i["type"] == "noted"
    }
    wait_until(lambda: len(said()) == 2, message="both notes")
    mine, others = (f"/tickets/{made}/notes/{said()[body]}" for body in ("mine", "another's"))
    refused = writer.put(others, json={"body": "changed"})
    assert (refused.status_code, refused.json()["permission"]) == (403, "thread.edit")
    assert writer.put(mine, json={"body": "mine, corrected"}).status_code == 200
    assert editor.put(others, json={"body": "changed"}).status_code == 200
    assert editor.delete(mine).status_code == 200
    assert as_(but("thread.edit")).delete(others).status_code == 403


def test_who_sees_only_his_own_sees_all_where_his_role_lets_him(as_, ticket):
    assert as_(but("ticket.see_all")).get(f"/tickets/{ticket}").status_code == 404
    assert as_(only("ticket.see_all")).get(f"/tickets/{ticket}").status_code == 200
    listed = lambda who: {  # noqa: E731 -- said twice
        item["id"] for item in as_(who).get("/tickets", params={"department": WITHIN, "limit": 200}).json()["items"]
    }
    assert ticket not in listed(but("ticket.see_all"))
    assert ticket in listed(only("ticket.see_all"))


def test_what_agents_have_done_takes_a_permission(as_):
    of_here = {"department": HERE}
    for path, params in (
        ("/reports/agents", {}), ("/reports/agents", of_here), ("/reports/volumes", {"group_by": "agent", **of_here}),
        ("/reports/volumes", {"agent": "john", **of_here}),
    ):  # fmt: skip
        assert as_(but("report.agents")).get(path, params=params).status_code == 403, (path, params)
        assert as_(only("report.agents")).get(path, params=params).status_code == 200, (path, params)
    assert as_(but("report.agents")).get("/reports/volumes", params=of_here).status_code == 200
    assert as_(but("report.agents")).get("/reports/agents", params={"department": ELSEWHERE}).status_code == 200


def test_letting_oneself_in_gives_no_requesters_rights(as_, admin):
    made, who = within(admin), only("ticket.edit")
    as_(who).post(f"/tickets/{made}/collaborators", json={"email": who}).raise_for_status()
    wait_until(lambda: as_(who).get(f"/tickets/{made}/collaborators").json()["items"], message="let in")
    assert as_(who).post(f"/tickets/{made}/messages", json={"body": "x"}).status_code == 403
    assert as_(who).post(f"/tickets/{made}/close").status_code == 403


def test_undoing_takes_the_permission_where_the_ticket_is_by_then(as_, admin):
    made, two = within(admin), as_(f"two-{RUN}@desk.example")
    done = two.post("/bulk/tags", json={"tickets": [made], "body": {"add": ["x"]}}).json()
    assert done["done"] == 1, done
    wait_until(
        lambda: admin.post(f"/tickets/{made}/transfer", json={"department": ELSEWHERE}).is_success, message="moved"
    )
    wait_until(lambda: two.post(f"/tickets/{made}/tags", json={"add": ["y"]}).status_code == 403, message="seen")
    (item,) = two.post(f"/bulk/workflow/{done['bulk']}/undo").json()["results"]
    assert item["status"] == 403
    assert "ticket.edit" in item["detail"]


def test_who_writes_articles_for_a_department(as_):
    one, all_but, two = as_(only("article.manage")), as_(but("article.manage")), as_(f"two-{RUN}@desk.example")
    words = {"title": f"Written {RUN}", "body": "x"}
    made = one.post("/articles", json={**words, "departments": [WITHIN]}).raise_for_status().json()["id"]
    one.post(f"/articles/{made}/publish", json={"visibility": "internal"}).raise_for_status()
    two.put(f"/articles/{made}", json={**words, "body": "y"}).raise_for_status()
    assert two.post("/articles", json={**words, "departments": [ELSEWHERE]}).status_code == 403
    assert two.post("/articles", json=words).status_code == 403, "for the whole desk is for each department"
    assert two.post(f"/articles/{made}/move", json={"departments": [WITHIN, ELSEWHERE]}).status_code == 403
    wait_until(lambda: all_but.get(f"/articles/{made}").is_success, message="the article")
    refused = all_but.put(f"/articles/{made}", json=words)
    assert (refused.status_code, refused.json()["permission"], refused.json()["department"]) == (
        403,
        "article.manage",
        WITHIN,
    )
    one.post("/articles", json=words).raise_for_status()


def test_a_nearer_role_stands_in_for_one_further_out_and_a_lead_is_a_lead_everywhere(as_, ticket):
    assert as_(f"nearer-{RUN}@desk.example").post(f"/tickets/{ticket}/tags", json={"add": ["z"]}).status_code == 403
    assert as_(f"chief-{RUN}").post(f"/tickets/{ticket}/tags", json={"add": ["z"]}).status_code == 200


def test_me_says_what_one_may(as_, person):
    mine = as_(only("ticket.note")).get("/me").json()["permissions"]
    assert "ticket.close" in mine["default"]
    assert "thread.edit" not in mine["default"]
    role = {"role": f"only-ticket-note-{RUN}", "permissions": ["ticket.note"]}
    assert mine["departments"] == {HERE: role, WITHIN: role}
    assert person("ken").get("/me").json()["permissions"] == {"default": [], "departments": {}}
    assert set(person("lea").get("/me").json()["permissions"]["default"]) == PERMISSIONS


def test_what_is_wrong_with_roles_is_told(stack, tmp_path):
    path = tmp_path / "roles.yaml"
    agent = {"email": f"x-{RUN}@desk.example"}
    for file, words in (
        ({"roles": [{"key": "lead", "name": "x", "permissions": []}]}, "must not be one of requester, agent"),
        ({"roles": [{"key": "x", "name": "x", "permissions": ["ticket.fly"]}]}, "roles.0.permissions.0"),
        ({"people": [{**agent, "roles_in": {HERE: "unheard-of"}}]}, "there is no role 'unheard-of'"),
        ({"people": [{**agent, "roles_in": {"unheard-of": f"nothing-{RUN}"}}]}, "there is no department 'unheard-of'"),
    ):
        path.write_text(yaml.safe_dump(file))
        answer = ledgerdesk(stack, "org", "apply", str(path))
        assert answer.returncode != 0
        assert words in answer.stdout + answer.stderr, answer.stderr


def test_roles_are_exported_and_applied_again_change_nothing(stack, as_, tmp_path):
    del as_
    path = tmp_path / "exported.yaml"
    path.write_text(ledgerdesk(stack, "org", "export").stdout)
    file = yaml.safe_load(path.read_text())
    roles = {role["key"]: role for role in file["roles"]}
    assert roles[f"only-ticket-note-{RUN}"] == {
        "key": f"only-ticket-note-{RUN}", "name": "One", "permissions": ["ticket.note"],
    }  # fmt: skip
    people = {one["email"]: one for one in file["people"]}
    assert people[only("ticket.note")]["roles_in"] == {HERE: f"only-ticket-note-{RUN}"}
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    assert ", ".join(f"{owner} 0" for owner in OWNERS) in answer.stdout
