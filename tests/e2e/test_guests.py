"""Guest access: a requester without an account reads and answers one ticket by a link."""

import json
import re
from threading import Thread
from uuid import UUID, uuid4

import httpx
import pytest

from shared.http.guests import guest_stream
from shared.testing.wait import wait_until
from tests.e2e.desk import ledgerdesk
from tests.knowing import all_know


def opened(client, email: str, subject: str = "Asked by telephone") -> dict[str, str]:
    body = {"subject": subject, "body": "The requester rang.", "requester": {"email": email, "name": "Gill Guest"}}
    ticket = client.post("/tickets", json=body).raise_for_status().json()
    all_know(client)  # the gateway makes the link, workflow and intake take it: each must have heard of him
    return ticket


@pytest.fixture
def email() -> str:
    return f"gill-{uuid4().hex[:8]}@guests.example"


@pytest.fixture
def ticket(admin, email):
    return opened(admin, email)


@pytest.fixture
def link(admin, ticket):
    return admin.post(f"/tickets/{ticket['id']}/guest-links").raise_for_status().json()


def browser(stack) -> httpx.Client:
    return httpx.Client(base_url=stack.url, timeout=30, trust_env=False, follow_redirects=False)


def csrf(text: str) -> str:
    return re.search(r'name="csrf" value="([^"]+)"', text).group(1)


def post(page: httpx.Client, address: str, verb: str, **fields: str) -> httpx.Response:
    shown = page.get(address).raise_for_status()
    form = {"csrf": csrf(shown.text), "key": uuid4().hex, **fields}
    return page.post(f"{address}/{verb}", data=form, headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"})


def test_a_ticket_lives_by_a_link(stack, admin, person, ticket, link):
    at = f"/guest/{ticket['id']}"
    with browser(stack) as page:
        assert page.get(at).status_code == 410, "nobody comes without the link"
        answer = page.get(link["url"].removeprefix(stack.url))
        assert (answer.status_code, answer.headers["location"]) == (303, at), "the secret stands in no page's address"
        cookie = answer.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", f"path={at}", "max-age=3"))
        shown = page.get(at)
        assert "The requester rang." in shown.text
        assert {answer.headers["referrer-policy"], shown.headers["referrer-policy"]} == {"no-referrer"}
        assert shown.headers["cache-control"] == "no-store"
        person("john").post(f"/tickets/{ticket['id']}/notes", json={"body": "not for guests"}).raise_for_status()
        assert post(page, at, "message", body="It rings no more.").status_code == 303
        shown = page.get(at)
        assert "It rings no more." in shown.text, "what one wrote is there at once"
        assert "not for guests" not in shown.text
        person("john").post(
            f"/tickets/{ticket['id']}/resolve", json={"resolution": "Bell replaced."}
        ).raise_for_status()
        wait_until(lambda: "Bell replaced." in page.get(at).text, message="the resolution")
        assert post(page, at, "rating", score="4").status_code == 303
        assert post(page, at, "close").status_code == 303
        assert post(page, at, "reopen").status_code == 303
        wait_until(lambda: admin.get(f"/tickets/{ticket['id']}").json()["status"] == "open", message="open again")
    items = admin.get(f"/tickets/{ticket['id']}/timeline").json()["items"]
    said = {item["type"]: item for item in items}
    assert admin.get(f"/tickets/{ticket['id']}").json()["score"] == 4
    for name in ("message_received", "rated", "closed", "reopened"):
        assert said[name]["via"] == {"kind": "link", "id": link["id"]}, "the desk sees that it came by the link"
        assert said[name]["actor"]["name"] == "Gill Guest"


def token_of(client, link) -> str:
    return client.post("/guest-links/open", json={"token": link["token"]}).raise_for_status().json()["token"]


def with_file(client, name: str, content: bytes) -> dict[str, object]:
    """Return a body with a file in it that this client has uploaded."""
    headers = {"Content-Type": "application/octet-stream"}
    taken = client.post("/attachments", content=content, headers=headers).raise_for_status().json()
    return {"body": f"See {name}", "attachments": [{"upload": taken["upload"], "name": name}]}


def test_files_go_with_what_a_guest_writes_and_reads_and_no_others(stack, admin, person, ticket, link):
    at, john = f"/tickets/{ticket['id']}", person("john")
    content = {name: f"{name} {uuid4()}".encode() for name in ("mine.txt", "reply.txt", "note.txt")}
    with stack.client(token_of(admin, link)) as guest:
        mine = with_file(guest, "mine.txt", content["mine.txt"])
        guest.post(f"{at}/messages", json=mine).raise_for_status()
        john.post(f"{at}/replies", json=with_file(john, "reply.txt", content["reply.txt"])).raise_for_status()
        john.post(f"{at}/notes", json=with_file(john, "note.txt", content["note.txt"])).raise_for_status()

        def written() -> dict[str, str]:
            items = admin.get(f"{at}/timeline").raise_for_status().json()["items"]
            found = {
                one["data"]["attachments"][0]["name"]: one["id"] for one in items if one["data"].get("attachments")
            }
            return found if len(found) == len(content) else {}

        events = wait_until(written, message="what was written, with its files")
        assert guest.get(f"{at}/attachments/{events['mine.txt']}/0").content == content["mine.txt"]
        assert guest.get(f"{at}/attachments/{events['reply.txt']}/0").content == content["reply.txt"]
        assert guest.get(f"{at}/attachments/{events['note.txt']}/0").status_code == 404, "the desk's own"
        assert john.get(f"{at}/attachments/{events['note.txt']}/0").content == content["note.txt"]
    with browser(stack) as page:
        page.get(link["url"].removeprefix(stack.url))
        files = f"/guest/{ticket['id']}/files"
        assert page.get(f"{files}/{events['reply.txt']}/0").content == content["reply.txt"]
        assert "attachment" in page.get(f"{files}/{events['reply.txt']}/0").headers["content-disposition"]
        assert page.get(f"{files}/{events['note.txt']}/0").status_code == 404


def test_what_a_guest_uploads_is_his_and_goes_nowhere_else(stack, admin, ticket, link, email):
    other = opened(admin, f"other-{email}", "Somebody else's")
    others = admin.post(f"/tickets/{other['id']}/guest-links").raise_for_status().json()
    second = opened(admin, email, "His too, but not by this link")
    with stack.client(token_of(admin, link)) as guest, stack.client(token_of(admin, others)) as stranger:
        named = with_file(guest, "mine.txt", uuid4().bytes)
        assert guest.post(f"/tickets/{second['id']}/messages", json=named).status_code == 403
        answer = stranger.post(f"/tickets/{other['id']}/messages", json=named)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "attachments.0.upload")
        assert guest.post(f"/tickets/{ticket['id']}/messages", json=named).is_success
    with stack.client(None) as anybody:
        assert (
            anybody.post("/attachments", content=b"x", headers={"Content-Type": "application/octet-stream"}).status_code
            == 401
        )


def test_a_file_is_sent_by_the_page(stack, ticket, link):
    at = f"/guest/{ticket['id']}"
    with browser(stack) as page:
        page.get(link["url"].removeprefix(stack.url))
        shown = page.get(at).raise_for_status()
        form = {"csrf": csrf(shown.text), "key": uuid4().hex, "body": "A picture."}
        large = b"x" * (2 * 1024 * 1024)
        answer = page.post(
            f"{at}/message", data=form, files={"files": ("bell.bin", large)}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert answer.status_code == 303, answer.text[:500]
        assert "bell.bin" in page.get(at).text
        refused = page.post(
            f"{at}/message", data={**form, "key": uuid4().hex, "body": " "}, files={"files": ("kept.txt", b"kept")}
        )
        assert refused.status_code == 422
        assert 'name="uploads"' in refused.text
        assert "kept.txt" in refused.text, "what was uploaded is not lost with the form"
        assert (
            page.post(f"{at}/message", data={**form, "csrf": "x"}, files={"files": ("forged.txt", b"x")}).status_code
            == 403
        )


class Following(Thread):
    """Reads a guest's stream until it ends."""

    def __init__(self, page: httpx.Client, address: str) -> None:
        super().__init__(daemon=True)
        self._page, self._address = page, address
        self.status = 0
        self.told: list[dict[str, str]] = []

    def run(self) -> None:
        with self._page.stream("GET", self._address, headers={"Last-Event-ID": "0"}, timeout=60) as answer:
            self.status = answer.status_code
            for line in answer.iter_lines():
                if line.startswith("data: ") and line != "data: {}":
                    self.told.append(json.loads(line.removeprefix("data: ")))

    def types(self) -> set[str]:
        return {one["type"].rpartition(".")[2] for one in self.told}


def test_a_guest_is_told_what_happens_on_his_ticket_alone_until_his_link_is_taken_back(
    stack, admin, person, ticket, link, email
):
    other = opened(admin, f"other-{email}", "Somebody else's")
    john = person("john")
    with browser(stack) as page, browser(stack) as nobody:
        page.get(link["url"].removeprefix(stack.url))
        assert nobody.get(f"/guest/{ticket['id']}/stream").status_code == 410
        assert page.get(f"/guest/{other['id']}/stream").status_code == 410
        following = Following(page, f"/guest/{ticket['id']}/stream")
        following.start()
        for one in (other, ticket):
            john.post(f"/tickets/{one['id']}/notes", json={"body": "not for guests"}).raise_for_status()
            john.post(f"/tickets/{one['id']}/replies", json={"body": "We look."}).raise_for_status()
        wait_until(lambda: "replied" in following.types(), message="the reply, told")
        assert following.status == 200
        assert {one["ticket"] for one in following.told} == {ticket["id"]}
        assert "noted" not in following.types()
        assert "actor" not in following.told[-1]
        john.delete(f"/tickets/{ticket['id']}/guest-links/{link['id']}").raise_for_status()
        following.join(20)
        assert not following.is_alive(), "it ends when the link is taken back"
        assert page.get(f"/guest/{ticket['id']}/stream").status_code == 401
    with stack.client(None) as anybody:
        assert anybody.get("/stream").status_code == 401


def test_a_guest_sees_who_else_is_in_on_it(stack, admin, ticket, link):
    body = {"email": f"cora-{uuid4().hex[:6]}@guests.example", "name": "Cora Labor"}
    admin.post(f"/tickets/{ticket['id']}/collaborators", json=body).raise_for_status()
    with browser(stack) as page:
        page.get(link["url"].removeprefix(stack.url))
        wait_until(lambda: "Cora Labor" in page.get(f"/guest/{ticket['id']}").text, message="who else is in on it")


def test_it_is_listed_and_taken_back(stack, admin, person, ticket, link):
    token = admin.post("/guest-links/open", json={"token": link["token"]}).raise_for_status().json()["token"]
    (listed,) = person("john").get(f"/tickets/{ticket['id']}/guest-links").raise_for_status().json()["items"]
    assert (listed["id"], listed["good"]) == (link["id"], True)
    assert listed["last_used"] is not None
    assert link["token"] not in str(listed)
    with stack.client(token) as guest:
        doors = [f"/tickets/{ticket['id']}", f"/tickets/{ticket['id']}/timeline"]
        assert all(guest.get(door).is_success for door in doors)
        person("john").delete(f"/tickets/{ticket['id']}/guest-links/{link['id']}").raise_for_status()
        wait_until(lambda: guest.get(doors[0]).status_code == 401, message="workflow to refuse it")
        refused = lambda: guest.post(f"/tickets/{ticket['id']}/messages", json={"body": "x"}).status_code == 401  # noqa: E731 -- asked again and again
        wait_until(refused, message="intake to refuse it")
    answer = admin.post("/guest-links/open", json={"token": link["token"]})
    assert answer.status_code == 410
    (listed,) = person("john").get(f"/tickets/{ticket['id']}/guest-links").json()["items"]
    assert (listed["good"], listed["revoked_at"] is not None) == (False, True)


def test_all_are_taken_back_at_once(admin, ticket, link):
    other = admin.post(f"/tickets/{ticket['id']}/guest-links").raise_for_status().json()
    admin.delete(f"/tickets/{ticket['id']}/guest-links").raise_for_status()
    for one in (link, other):
        assert admin.post("/guest-links/open", json={"token": one["token"]}).status_code == 410


def test_one_command_makes_one_link(admin, ticket):
    first, again = (
        admin.post(f"/tickets/{ticket['id']}/guest-links", headers={"Idempotency-Key": f"link-{ticket['id']}"}).json() for _ in range(2)
    )  # fmt: skip
    assert first == again
    assert len(admin.get(f"/tickets/{ticket['id']}/guest-links").json()["items"]) == 1


def test_who_has_an_account_signs_in_instead(admin, person):
    mine = person("ken").post("/tickets", json={"subject": "Mine", "body": "x"}).raise_for_status().json()["id"]
    wait_until(lambda: admin.get(f"/tickets/{mine}/guest-links").is_success, message="the gateway's view")
    answer = admin.post(f"/tickets/{mine}/guest-links")
    assert (answer.status_code, "account" in answer.json()["detail"]) == (409, True)
    assert admin.get(f"/tickets/{mine}/guest-links").json()["possible"] is False


@pytest.mark.parametrize("token", ["x", "ldg_x", f"ldg_{'A' * 75}", "ldg_\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_what_is_no_link_opens_nothing(stack, token):
    with stack.client(None) as anybody:
        answer = anybody.post("/guest-links/open", json={"token": token})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (410, "token")


def test_its_last_character_counts(stack, link):
    changed = link["token"][:-2] + ("AA" if link["token"][-2:] != "AA" else "BB")
    with stack.client(None) as anybody:
        assert anybody.post("/guest-links/open", json={"token": changed}).status_code == 410


def test_asking_says_nothing_and_the_desk_sees_it(stack, admin, ticket, email):
    asks = [(ticket["number"], email), (ticket["number"], f"other-{email}"), ("no-such-ticket", email)]
    with stack.client(None) as anybody:
        answers = [anybody.post("/guest-links/ask", json={"number": n, "email": e}) for n, e in reversed(asks)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    wait_until(lambda: admin.get(f"/tickets/{ticket['id']}/guest-links").json()["asked_at"], message="it is noted")
    with stack.client(None) as anybody:
        many = [anybody.post("/guest-links/ask", json={"number": "x", "email": email}).status_code for _ in range(6)]
    assert many[-1] == 429
    assert "Retry-After" in anybody_headers(stack, email)


def anybody_headers(stack, email: str) -> httpx.Headers:
    with stack.client(None) as anybody:
        return anybody.post("/guest-links/ask", json={"number": "x", "email": email}).headers


def test_asking_with_another_address_reaches_nobody(stack, admin, ticket, email):
    with stack.client(None) as anybody:
        anybody.post(
            "/guest-links/ask", json={"number": ticket["number"], "email": f"other-{email}"}
        ).raise_for_status()
    assert admin.get(f"/tickets/{ticket['id']}/guest-links").json()["asked_at"] is None


def test_the_page_asks_likewise(stack, ticket, email):
    with browser(stack) as page:
        assert "/guest-ask" in page.get("/sign-in").text
        texts = set()
        for address in (email, f"other-{email}"):
            form = {"csrf": csrf(page.get("/guest-ask").text), "number": ticket["number"], "email": address}
            answer = page.post("/guest-ask", data=form)
            assert answer.status_code == 200, answer.text
            texts.add(re.sub(r'name="csrf" value="[^"]+"', "", answer.text))
        assert len(texts) == 1
        form = {"csrf": csrf(page.get("/guest-ask").text), "number": "1", "email": "no address"}
        assert page.post("/guest-ask", data=form).status_code == 422
        assert page.post("/guest-ask", data={**form, "csrf": "x"}).status_code == 403


def test_a_form_of_another_visit_is_not_taken(stack, ticket, link):
    at = f"/guest/{ticket['id']}"
    with browser(stack) as page:
        page.get(link["url"].removeprefix(stack.url))
        assert page.post(f"{at}/message", data={"csrf": "x", "body": "forged"}).status_code == 403
        forged = page.post(
            f"{at}/message", data={"csrf": "x", "body": "forged"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert forged.status_code == 403
        assert "forged" not in page.get(at).text
        assert post(page, at, "notes", body="x").status_code == 404


def test_a_link_of_a_merged_ticket_shows_that_ticket_alone(stack, admin, email, ticket, link):
    other = opened(admin, f"other-{email}", "Somebody else's")
    admin.post(f"/tickets/{ticket['id']}/merge", json={"into": other["id"]}).raise_for_status()
    token = admin.post("/guest-links/open", json={"token": link["token"]}).raise_for_status().json()["token"]
    with stack.client(token) as guest:
        wait_until(lambda: guest.get(f"/tickets/{ticket['id']}").json().get("status") == "merged", message="the merge")
        assert guest.get(f"/tickets/{other['id']}").status_code == 403
        assert "Somebody else's" not in guest.get(f"/tickets/{ticket['id']}/timeline").text
        guest.post(f"/tickets/{ticket['id']}/messages", json={"body": "still here"}).raise_for_status()
    thread = lambda: admin.get(f"/tickets/{other['id']}/timeline").text  # noqa: E731 -- asked again and again
    wait_until(lambda: "still here" in thread(), message="it is read where the ticket stands now")
    with browser(stack) as page:
        page.get(link["url"].removeprefix(stack.url))
        assert page.get(f"/guest/{ticket['id']}").is_success


def test_who_is_forgotten_comes_no_more(stack, admin, ticket, link, email):
    token = admin.post("/guest-links/open", json={"token": link["token"]}).raise_for_status().json()["token"]
    answer = ledgerdesk(stack, "person", "forget", email, "--reason", "asked", "--yes")
    assert answer.returncode == 0, answer.stderr + answer.stdout
    assert admin.post("/guest-links/open", json={"token": link["token"]}).status_code == 410
    with stack.client(token) as guest:
        assert guest.get(f"/tickets/{ticket['id']}").status_code == 401
    listed = admin.get(f"/tickets/{ticket['id']}/guest-links").json()
    assert listed["possible"] is False
    assert [one["revoked_at"] is not None for one in listed["items"]] == [True], "and they are taken back"
    assert admin.post(f"/tickets/{ticket['id']}/guest-links").status_code == 409


def test_what_is_kept_of_it_names_no_secret(stack, admin, ticket, link, email):
    admin.post("/guest-links/open", json={"token": link["token"]}).raise_for_status()
    told = admin.get(f"/internal/gateway/streams/{guest_stream(UUID(ticket['id']))}").text
    assert [line.partition('"type":"')[2].partition('"')[0] for line in told.splitlines()] == [
        "ledgerdesk.guest.link_issued", "ledgerdesk.guest.link_used",
    ]  # fmt: skip
    secret = link["token"].removeprefix("ldg_")[45:]
    for text in (told, stack.logs()):
        assert secret not in text
        assert email not in text
    assert ledgerdesk(stack, "verify").returncode == 0
