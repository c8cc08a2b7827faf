"""Who is who, for whoever builds screens: agents, departments, teams, customers, persons."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD
from tests.e2e.desk import ledgerdesk, opened

RUN = uuid4().hex[:6]
OPEN, WITHIN, HIDDEN, GONE = (f"{name}-{RUN}" for name in ("open", "within", "hidden", "gone"))
ALL_WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TODAY = datetime.now(UTC).date()
FAR = TODAY + timedelta(days=30)
# half a day and more away from now, whenever this runs
OFF_SHIFT = "00:00-01:00" if datetime.now(UTC).hour >= 12 else "22:00-23:00"


def agent(name: str, **more) -> dict:
    return {
        "email": f"{name}@{RUN}.example", "login": f"{name}-{RUN}", "name": f"{name.title()} {RUN}", "roles": ["agent"], "departments": [OPEN],
        "password": PASSWORD, **more,
    }  # fmt: skip


FILE = {
    "departments": [
        {"key": OPEN, "name": "Open", "manager": f"there-{RUN}"}, {"key": WITHIN, "name": "Within", "parent": OPEN, "public": True},
        {"key": HIDDEN, "name": "Hidden", "public": False}, {"key": GONE, "name": "Gone", "active": False},
    ],
    "teams": [{"key": RUN, "name": "Team", "members": [f"there-{RUN}", f"former-{RUN}"]}, {"key": GONE, "name": "Gone", "members": [], "active": False}],
    "organisations": [{"key": RUN, "name": "Customer", "domains": [f"customer-{RUN}.example"]}, {"key": GONE, "name": "Gone", "active": False}],
    "people": [
        agent("there", capacity=7, skills=["b", "a"], on_call=True),
        agent("away", away=[{"start": str(TODAY - timedelta(days=2)), "end": str(FAR)}]),
        agent("off", shifts=[{"days": ALL_WEEK, "start": OFF_SHIFT[:5], "end": OFF_SHIFT[6:]}], departments=[HIDDEN]),
        agent("former", active=False), {"email": f"asks@{RUN}.example", "name": "Asks", "login": f"asks-{RUN}", "roles": ["requester"], "password": PASSWORD},
    ],
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def applied(stack, tmp_path_factory):
    path = tmp_path_factory.mktemp("directory") / "directory.yaml"
    path.write_text(yaml.safe_dump(FILE))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr


@pytest.fixture
def john(person):
    return person("john")


def listed(client, path: str, **params) -> list[dict]:
    """Every item of all pages, two at a time."""
    items, more = [], {}
    while True:
        page = client.get(path, params={"limit": 2, **params, **more}).raise_for_status().json()
        items += page["items"]
        if page["next"] is None:
            return items
        more = {"cursor": page["next"]}


def test_agents(john, admin):
    mine = opened(admin, topic=None)
    wait_until(lambda: admin.post(f"/tickets/{mine}/assign", json={"agent": f"there-{RUN}"}).is_success, message="it")
    wait_until(lambda: listed(john, "/agents", q=f"There {RUN}")[0]["load"] == 1, message="the load")
    there, away, off = (listed(john, "/agents", q=f"{name}-{RUN}")[0] for name in ("there", "away", "off"))
    assert there == {
        "login": f"there-{RUN}", "name": f"There {RUN}", "email": f"there@{RUN}.example", "departments": [OPEN], "teams": [RUN],
        "skills": ["b", "a"], "capacity": 7, "load": 1, "on_call": True, "on_shift": True, "away_until": None, "next_shift": None,
    }  # fmt: skip
    assert (away["on_shift"], date.fromisoformat(away["away_until"]), away["next_shift"]) == (False, FAR, None)
    assert (off["on_shift"], off["away_until"]) == (False, None)
    begins = datetime.fromisoformat(off["next_shift"])
    assert begins.strftime("%H:%M") == OFF_SHIFT[:5]
    assert datetime.now(UTC) < begins < datetime.now(UTC) + timedelta(days=1)
    assert [one["login"] for one in listed(john, "/agents", department=OPEN)] == [f"away-{RUN}", f"there-{RUN}"]
    assert [one["login"] for one in listed(john, "/agents", team=RUN)] == [f"there-{RUN}"]
    everybody = [one["login"] for one in listed(john, "/agents")]
    assert {"john", "jane", "lea", f"off-{RUN}"} <= set(everybody)
    assert everybody == sorted(everybody), "by login, each once"
    assert f"former-{RUN}" not in everybody
    assert listed(john, "/agents", q="nobody of that name") == []


def test_departments(stack, john):
    found = {one["key"]: one for one in listed(john, "/departments")}
    assert found[WITHIN] == {
        "key": WITHIN,
        "name": "Within",
        "parent": OPEN,
        "public": True,
        "manager": None,
        "strategy": "least_loaded",
    }
    assert found[OPEN]["manager"] == {"login": f"there-{RUN}", "name": f"There {RUN}"}
    assert found[HIDDEN]["public"] is False
    assert GONE not in found
    with stack.signed_in(f"asks-{RUN}") as asks:
        seen = {one["key"]: one for one in listed(asks, "/departments")}
        assert seen[WITHIN] == {"key": WITHIN, "name": "Within"}
        assert seen[OPEN] == {"key": OPEN, "name": "Open"}
        assert not {HIDDEN, GONE} & set(seen)
        for path in ("/agents", "/teams", "/organisations", "/people?q=john"):
            assert asks.get(path).status_code == 403


def test_teams(john):
    found = {one["key"]: one for one in listed(john, "/teams")}
    assert found[RUN] == {"key": RUN, "name": "Team", "members": [{"login": f"there-{RUN}", "name": f"There {RUN}"}]}
    assert GONE not in found


def test_organisations(john):
    found = {one["key"]: one for one in listed(john, "/organisations")}
    assert found[RUN] == {"key": RUN, "name": "Customer", "domains": [f"customer-{RUN}.example"], "shared": False}
    assert GONE not in found


def test_people_are_found_by_name_and_address(john, admin):
    names = {
        f"ömer@customer-{RUN}.example": "Ömer Ito",
        f"ito@other-{RUN}.example": "Pat",
        f"z@other-{RUN}.example": f"Ito {RUN}%_",
    }
    for email, name in names.items():
        opened(admin, requester={"email": email, "name": name})
    wait_until(lambda: len(listed(john, "/people", q=f"other-{RUN}")) == 2, message="them")
    first, second = listed(john, "/people", q=f"ito other-{RUN}")
    assert (first["name"], second["name"]) == ("Pat", f"Ito {RUN}%_"), "by address, of those that match alike"
    (omer,) = listed(john, "/people", q=f"ÖMER customer-{RUN}")
    assert omer == {
        "email": f"ömer@customer-{RUN}.example",
        "name": "Ömer Ito",
        "login": None,
        "organisation": RUN,
        "is_agent": False,
    }
    assert listed(john, "/people", q=f"ito@other-{RUN}.example")[0]["name"] == "Pat"
    beginning = listed(john, "/people", q="ito")
    ranks = [0 if "ito@" in one["email"] or one["name"].startswith("Ito") else 1 for one in beginning]
    assert ranks == sorted(ranks), "who is called so first"
    assert [one["name"] for one in listed(john, "/people", q="%_")] == [f"Ito {RUN}%_"], "no pattern"
    assert [one["name"] for one in listed(john, "/people", q=f"-{RUN}", organisation=RUN)] == ["Ömer Ito"]
    (agent_,) = listed(john, "/people", q=f"off-{RUN}")
    assert (agent_["is_agent"], agent_["login"]) == (True, f"off-{RUN}")
    assert listed(john, "/people", q=f"former-{RUN}")[0]["is_agent"] is False


def test_who_is_forgotten_is_not_found(stack, john, admin):
    email = f"forget@me-{RUN}.example"
    opened(admin, requester={"email": email, "name": "Forget Me"})
    wait_until(lambda: listed(john, "/people", q=email), message="him")
    assert ledgerdesk(stack, "person", "forget", email, "--reason", "asked", "--yes").returncode == 0
    wait_until(lambda: listed(john, "/people", q=email) == [], message="nobody")


def test_where_one_works(person, stack):
    with stack.signed_in(f"there-{RUN}") as there:
        me = there.get("/me").json()
    assert (me["departments"], me["teams"]) == ([{"key": OPEN, "name": "Open"}], [{"key": RUN, "name": "Team"}])
    for login in ("ken", "ana"):
        me = person(login).get("/me").json()
        assert (me["departments"], me["teams"]) == ([], [])


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("/people", 422, "q"), ("/people?q=a", 422, "q"), ("/people?q=%20a%20", 422, "q"), ("/people?q=ab&cursor=x", 422, "cursor"),
        ("/people?q=ab&cursor=WyIxIiwyLDNd", 422, "cursor"), ("/people?q=ab&limit=0", 422, "limit"), ("/people?q=ab%00c", 422, "q"),
        ("/people?q=ab&name=x", 400, "name"), ("/agents?limit=201", 422, "limit"), ("/agents?cursor=x", 422, "cursor"), ("/agents?skill=x", 400, "skill"),
        ("/teams?q=x", 400, "q"), ("/departments?at=x", 400, "at"), ("/organisations?cursor=WzFd", 422, "cursor"),
    ],
)  # fmt: skip
def test_refused(john, query, status, field):
    answer = john.get(query)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
