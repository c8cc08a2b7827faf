"""A ticket as it was: at each moment of its timeline, and now."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import httpx

from shared.http.cookies import COOKIE
from shared.testing.wait import wait_until
from tests.e2e.desk import did, opened, seen
from tests.e2e.test_attachments import attached, fresh

RUN = uuid4().hex[:6]


def at(client, ticket, moment, part="", status=200):
    answer = client.get(f"/tickets/{ticket}{part}", params={"at": moment})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_at_each_moment_and_now(admin, person):
    john = person("john")
    ticket = opened(admin, subject=f"Past {RUN}", priority="high", requester={"email": "ken@example.org"})
    before = datetime.now(UTC).isoformat()
    wait_until(lambda: john.get(f"/tickets/{ticket}").json().get("department") == "support", message="routing")
    for verb, body in (
        ("assign", {"team": "on-call"}), ("notes", {"body": "inside"}), ("prioritise", {"priority": "low"}), ("hold", {"reason": "parts"}),
        ("tags", {"add": [RUN]}), ("resolve", {"resolution": "done"}),
    ):  # fmt: skip
        assert john.post(f"/tickets/{ticket}/{verb}", json=body).is_success
    for slot, value in (("status", "resolved"), ("team", "on-call")):  # workflow's and routing's
        wait_until(lambda s=slot, v=value: john.get(f"/tickets/{ticket}").json()[s] == v, message=value)
    items = john.get(f"/tickets/{ticket}/timeline").json()["items"]

    now = john.get(f"/tickets/{ticket}").json()
    assert at(john, ticket, datetime.now(UTC).isoformat()) == now
    assert at(john, ticket, datetime.now(UTC).isoformat(), "/timeline")["items"] == items
    moments = {item["type"]: item["at"] for item in items}
    held = at(john, ticket, moments["held"])
    assert (held["status"], held["priority"], held["tags"]) == ("on_hold", "low", [])
    assert at(john, ticket, moments["noted"])["priority"] == "high"
    for item in items:
        then = at(john, ticket, item["at"])
        steps = at(john, ticket, item["at"], "/timeline")["items"]
        assert steps == [
            one for one in items if datetime.fromisoformat(one["at"]) <= datetime.fromisoformat(item["at"])
        ]
        assert sum(then["versions"].values()) == len(steps)

    ken = person("ken")
    assert at(ken, ticket, moments["noted"])["team"] is None
    assert "noted" not in {one["type"] for one in at(ken, ticket, moments["resolved"], "/timeline")["items"]}
    assert at(john, ticket, "2020-01-01T00:00:00Z", status=404)["detail"].startswith("There was no ticket")
    assert at(john, ticket, "2020-01-01T00:00:00", status=422)
    assert john.get(f"/tickets/{ticket}", params={"as_of": before}).status_code == 400


def merging(john, *steps):
    """Open tickets, merge and unmerge them ("ab": a into b, "a": a stands for itself again); return them, and each step's moment."""
    tickets = {letter: opened(john, subject=f"Past {letter} {RUN}") for letter in "abc"}
    moments, counted = [], Counter()
    for step in steps:
        ticket, kind = tickets[step[0]], "merged" if step[1:] else "unmerged"
        body = {"into": tickets[step[1]]} if step[1:] else None
        answer = did(john, "POST", f"/tickets/{ticket}/{kind.removesuffix('d')}", body)
        seen(john, answer, f"/tickets/{ticket}")
        items = [one for one in john.get(f"/tickets/{ticket}/timeline").json()["items"] if one["type"] == kind]
        own = [one for one in items if one["ticket"] is None]
        moments.append(own[counted[step[0], kind]]["at"])
        counted[step[0], kind] += 1
    return tickets, moments


def parts(client, tickets, asked, moments):
    """Whose steps a ticket's timeline has at each moment."""
    letters = {ticket: letter for letter, ticket in tickets.items()}
    return [
        "".join(
            sorted(
                {
                    letters[item["ticket"] or tickets[asked]]
                    for item in at(client, tickets[asked], moment, "/timeline")["items"]
                }
            )
        )
        for moment in moments
    ]


def test_a_ticket_is_shown_where_it_was_merged_into_then(person):
    john = person("john")
    tickets, moments = merging(john, "ab", "a", "ab")
    assert parts(john, tickets, "b", moments) == ["ab", "b", "ab"]
    tickets, moments = merging(john, "ac", "a", "ab")
    assert parts(john, tickets, "b", moments) == ["b", "b", "ab"]
    assert parts(john, tickets, "c", moments) == ["ac", "c", "c"]
    tickets, moments = merging(john, "ab", "bc")
    assert parts(john, tickets, "c", moments) == ["c", "abc"]
    assert parts(john, tickets, "b", moments) == ["ab", "ab"]


def steps(client, tickets, asked):
    """The moments of a ticket's steps, and who came apart from it at each."""
    letters = {client.get(f"/tickets/{ticket}").json()["number"]: letter for letter, ticket in tickets.items()}
    items = client.get(f"/tickets/{tickets[asked]}/steps").raise_for_status().json()["items"]
    return {one["at"]: "".join(letters[number] for number in one["unmerged"]) for one in items}


def test_the_end_of_a_merge_is_a_step_of_its_history(person, stack):
    john = person("john")
    tickets, moments = merging(john, "ab", "a", "ab", "a", "ac")
    found = steps(john, tickets, "b")
    assert [found.get(moment) for moment in moments] == ["", "a", "", "a", None]
    assert [steps(john, tickets, "c").get(moment) for moment in moments] == [None] * 4 + [""]
    own = [one["at"] for one in john.get(f"/tickets/{tickets['b']}/timeline").json()["items"]]
    assert set(own) <= set(found)
    assert list(found) == sorted(found)
    views = [at(john, tickets["b"], moment, "/timeline")["items"] for moment in found]
    assert all(one != other for one, other in pairwise(views)), "each shows something else than the one before"
    assert john.get(f"/tickets/{tickets['b']}/steps", params={"at": moments[0]}).status_code == 400
    token = john.headers["Authorization"].removeprefix("Bearer ")
    number = john.get(f"/tickets/{tickets['a']}").json()["number"]
    with httpx.Client(base_url=stack.url, cookies={COOKIE: token}, trust_env=False, timeout=30) as page:
        for asked in ({"step": list(found).index(moments[1]) + 1}, {"at": moments[1]}):
            answer = page.get(f"/tickets/{tickets['b']}", params=asked)
            assert (answer.status_code, f"no longer merged into it: {number}" in answer.text) == (200, True)


def test_a_requester_has_no_step_of_what_he_may_not_see(stack, person):
    john, kim = person("john"), f"kim.{uuid4().hex[:8]}@example.org"
    tickets, moments = merging(john, "ab", "a")
    for _ in range(2):  # with the first it is started, which he may see
        noted = did(john, "POST", f"/tickets/{tickets['b']}/notes", {"body": "inside"})
    items = seen(john, noted, f"/tickets/{tickets['b']}/timeline")["items"]
    inside = max(one["at"] for one in items if one["type"] == "noted")
    ken = person("ken")
    wait_until(lambda: ken.get(f"/tickets/{tickets['b']}").is_success, message="his ticket")
    assert [steps(ken, tickets, "b").get(moment) for moment in moments] == ["", "a"], "both are his"
    assert inside in steps(john, tickets, "b")
    assert inside not in steps(ken, tickets, "b")
    did(john, "POST", f"/tickets/{tickets['b']}/collaborators", {"email": kim})
    with stack.client() as let_in:
        let_in.headers["Ledgerdesk-On-Behalf-Of"] = kim
        wait_until(lambda: let_in.get(f"/tickets/{tickets['b']}").is_success, message="her sight of it")
        found = let_in.get(f"/tickets/{tickets['b']}/steps").raise_for_status().json()["items"]
        assert not {one["at"] for one in found} & set(moments), "nobody let her in on the other one"


def test_what_stands_for_itself_again_is_shown_in_the_past_to_who_may_see_it(stack, person):
    john, kim = person("john"), f"kim.{uuid4().hex[:8]}@example.org"
    tickets, moments = merging(john, "ab", "a")
    assert parts(john, tickets, "b", moments) == ["ab", "b"]
    wait_until(lambda: person("ken").get(f"/tickets/{tickets['a']}").is_success, message="his ticket")
    assert parts(person("ken"), tickets, "b", moments) == ["ab", "b"], "both are his"
    did(john, "POST", f"/tickets/{tickets['b']}/collaborators", {"email": kim})
    with stack.client() as let_in:
        let_in.headers["Ledgerdesk-On-Behalf-Of"] = kim
        wait_until(lambda: let_in.get(f"/tickets/{tickets['b']}").is_success, message="her sight of it")
        assert parts(let_in, tickets, "b", moments) == ["b", "b"], "nobody let her in on the other one"
        seen(
            john,
            did(john, "POST", f"/tickets/{tickets['a']}/merge", {"into": tickets["b"]}),
            f"/tickets/{tickets['a']}",
        )
        assert parts(let_in, tickets, "b", moments) == ["ab", "b"], "what is merged into it now, its timeline shows her"


def test_files_of_what_was_merged_then_can_be_had_from_the_past(person):
    john = person("john")
    tickets, _ = merging(john)
    content = fresh(b"a file")
    did(
        john,
        "POST",
        f"/tickets/{tickets['a']}/notes",
        {"body": "see it", "attachments": attached(john, ("a.txt", content))},
    )
    merged = did(john, "POST", f"/tickets/{tickets['a']}/merge", {"into": tickets["b"]})
    own = seen(john, merged, f"/tickets/{tickets['a']}/timeline")["items"]
    moment = next(one["at"] for one in own if one["type"] == "merged")
    seen(john, did(john, "POST", f"/tickets/{tickets['a']}/unmerge"), f"/tickets/{tickets['a']}")
    noted = next(one for one in at(john, tickets["b"], moment, "/timeline")["items"] if one["type"] == "noted")
    assert john.get(f"/tickets/{tickets['b']}/attachments/{noted['id']}/0").content == content
    assert john.get(f"/tickets/{tickets['c']}/attachments/{noted['id']}/0").status_code == 404


def test_the_slider_begins_when_the_ticket_was_opened(person, stack):
    """What was merged into it is older: before, there is nothing to show."""
    tickets, _ = merging(person("john"), "ab")
    token = person("john").headers["Authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=stack.url, cookies={COOKIE: token}, trust_env=False, timeout=30) as page:
        for step in (1, 999999):
            answer = page.get(f"/tickets/{tickets['b']}", params={"step": step})
            assert (answer.status_code, "As it was" in answer.text) == (200, True), answer.text
