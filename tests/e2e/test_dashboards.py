"""Dashboards by HTTP: whose they are, who else has them, and that they go with their owner."""

from uuid import uuid4

from tests.e2e.desk import everything, ledgerdesk

TILE = {"report": "volumes", "filters": {"group_by": "department"}, "look": "table"}


def listed(client) -> dict[str, dict]:
    return {one["id"]: one for one in client.get("/dashboards").raise_for_status().json()["items"]}


def made(client, **more) -> str:
    body = {"name": f"Board {uuid4().hex[:6]}", "tiles": [TILE], **more}
    return client.post("/dashboards", json=body).raise_for_status().json()["id"]


def test_it_is_ones_own_until_it_is_shared(person):
    ana, john, lea = person("ana"), person("john"), person("lea")
    ident = made(ana)
    mine = listed(ana)[ident]
    assert (mine["tiles"], mine["mine"], mine["editable"], mine["version"]) == ([TILE], True, True, 1)
    assert ident not in listed(john)
    body = {"name": "Shared", "tiles": [TILE, {**TILE, "look": "chart"}], "share": "desk"}
    assert john.put(f"/dashboards/{ident}", json=body).status_code == 404
    ana.put(f"/dashboards/{ident}", json=body, headers={"If-Match": '"workflow.1"'}).raise_for_status()
    assert ana.put(f"/dashboards/{ident}", json=body, headers={"If-Match": '"workflow.1"'}).status_code == 412
    assert (listed(john)[ident]["editable"], len(listed(john)[ident]["tiles"])) == (False, 2)
    assert john.put(f"/dashboards/{ident}", json=body).status_code == 403
    assert listed(lea)[ident]["editable"] is True, "leads change what is shared"
    assert lea.delete(f"/dashboards/{ident}").is_success
    assert ident not in listed(ana)
    assert ana.put(f"/dashboards/{ident}", json=body).status_code == 404


def test_requesters_and_keys_have_none(person, admin):
    assert person("ken").get("/dashboards").status_code == 403
    assert person("ken").post("/dashboards", json={"name": "x"}).status_code == 403
    assert admin.post("/dashboards", json={"name": "x"}).status_code == 403, "a key is nobody"
    answer = person("ana").post(
        "/dashboards", json={"name": "x", "tiles": [{"report": "volumes", "filters": {"limit": "5"}}]}
    )
    assert answer.status_code == 422


async def test_it_goes_with_its_owner(stack, admin, tmp_path):
    run = uuid4().hex[:6]
    login, word = f"analyst-{run}", f"hers-{run}"
    path = tmp_path / "people.yaml"
    path.write_text(f"people: [{{email: {login}@desk.example, login: {login}, name: Ann, roles: [analyst]}}]")
    assert ledgerdesk(stack, "org", "apply", str(path)).returncode == 0
    for_her = {"Ledgerdesk-On-Behalf-Of": login}
    admin.post("/dashboards", json={"name": word, "tiles": [TILE], "share": "desk"}, headers=for_her).raise_for_status()
    database = stack.environment["DATABASE_URL"]
    assert await everything(database, [word]) != []
    answer = ledgerdesk(stack, "person", "forget", login, "--reason", "asked", "--yes")
    assert answer.returncode == 0, answer.stderr
    assert await everything(database, [word]) == []
    assert ledgerdesk(stack, "verify").returncode == 0
