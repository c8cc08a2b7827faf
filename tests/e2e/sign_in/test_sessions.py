"""Sessions: listed, ended one by one and all together, by their person, an administrator, a new password."""

import threading
from datetime import datetime
from uuid import uuid4

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD
from tests.e2e.sign_in.doors import NEW_PASSWORD, refused_soon, sign_in


def test_sessions_are_listed_and_ended_one_by_one(stack, somebody, anybody):
    login = somebody()
    here = stack.signed_in(login)
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    there = stack.client(
        anybody.post("/sessions", json={"login": login, "password": PASSWORD}, headers={"User-Agent": agent}).json()[
            "token"
        ]
    )
    wait_until(lambda: len(here.get("/sessions").json()["items"]) == 2, message="both sessions")
    newest, oldest = here.get("/sessions").json()["items"]
    assert (oldest["current"], newest["current"]) == (True, False)
    assert (newest["browser"], newest["door"]) == ("Firefox on Linux", "password")
    assert datetime.fromisoformat(newest["last_seen"]).minute % 10 == 0
    assert here.delete(f"/sessions/{newest['id']}").status_code == 204
    assert [item["id"] for item in here.get("/sessions").json()["items"]] == [oldest["id"]]
    refused_soon(there)
    refused_soon(there, "/tickets")
    assert here.get("/me").is_success
    assert here.delete(f"/sessions/{newest['id']}").status_code == 204, "twice is no mistake"


def test_nobody_ends_anothers_session_but_an_administrator(stack, somebody, admin):
    mine, other = stack.signed_in(somebody()), stack.signed_in(somebody())
    wait_until(lambda: mine.get("/sessions").json()["items"], message="the session")
    (session,) = mine.get("/sessions").json()["items"]
    assert other.delete(f"/sessions/{session['id']}").status_code == 404
    assert other.delete(f"/sessions/{uuid4()}").status_code == 404
    login = mine.get("/me").json()["login"]
    assert other.get("/sessions", params={"of": login}).status_code == 403
    assert other.delete("/sessions", params={"of": login}).status_code == 403
    assert mine.get("/me").is_success
    assert [item["id"] for item in admin.get("/sessions", params={"of": login}).json()["items"]] == [session["id"]]
    assert admin.get("/sessions").status_code == 409
    assert mine.get("/sessions", params={"off": "x"}).status_code == 400
    assert admin.delete(f"/sessions/{session['id']}").status_code == 204
    refused_soon(mine)


def test_signing_out_everywhere_and_everywhere_else(stack, somebody):
    login = somebody()
    here, there = stack.signed_in(login), stack.signed_in(login)
    assert here.delete("/sessions", params={"keep_current": "true"}).status_code == 204
    refused_soon(there)
    assert here.get("/me").is_success
    assert len(here.get("/sessions").json()["items"]) == 1
    again = stack.signed_in(login)
    assert again.get("/me").is_success
    assert again.delete("/sessions").status_code == 204
    refused_soon(here)
    refused_soon(again)
    assert stack.signed_in(login).get("/me").is_success


def test_a_session_that_ended_gets_nothing_more_from_the_stream(stack, somebody, admin):
    login = somebody()
    listener = stack.signed_in(login)
    wait_until(lambda: listener.get("/sessions").json()["items"], message="the session")
    got, over, open_ = [], threading.Event(), threading.Event()

    def listen():
        with listener.stream("GET", "/stream", timeout=60) as lines:
            for line in lines.iter_lines():
                open_.set()
                got.append(line)
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    ticket = {"subject": "Before", "body": "x", "requester": {"email": "ken@example.org"}}
    assert admin.post("/tickets", json=ticket).is_success
    wait_until(open_.is_set, message="an event")
    (session,) = listener.get("/sessions").json()["items"]
    assert admin.delete(f"/sessions/{session['id']}").status_code == 204
    with stack.client(listener.headers["Authorization"].removeprefix("Bearer ")) as same:
        refused_soon(same)
    after = admin.post("/tickets", json={**ticket, "subject": "After"}).json()["number"]
    assert over.wait(10), "the stream ends"
    assert not [line for line in got if f'"{after}"' in line]


def test_a_new_password_ends_the_other_sessions(stack, somebody, anybody, admin):
    login = somebody()
    here, there = stack.signed_in(login), stack.signed_in(login)
    path = f"/accounts/{login}/password"
    assert here.put(path, json={"password": NEW_PASSWORD}).status_code == 422
    assert here.put(path, json={"password": NEW_PASSWORD, "current": "wrong"}).json()["errors"][0]["field"] == "current"
    for weak in ("password1", login, "Some Body"):
        answer = here.put(path, json={"password": weak, "current": PASSWORD})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "password"), weak
    for _ in range(2):  # the same command again is the same answer
        answer = here.put(
            path, json={"password": NEW_PASSWORD, "current": PASSWORD}, headers={"Idempotency-Key": "new"}
        )
        assert answer.status_code == 204, answer.text
    refused_soon(there)
    assert here.get("/me").is_success
    assert sign_in(anybody, login).status_code == 401
    assert sign_in(anybody, login, NEW_PASSWORD).status_code == 201
    assert admin.put(path, json={"password": NEW_PASSWORD + "-2"}).status_code == 204
    refused_soon(here)
