"""The knowledge base: written, published, found, rated, linked to tickets; and who may read what."""

from uuid import uuid4

import pytest
import yaml

from shared.testing.wait import wait_until
from tests.e2e.conftest import PASSWORD
from tests.e2e.desk import ledgerdesk

RUN = uuid4().hex[:6]
HERE, ELSEWHERE = f"kb-here-{RUN}", f"kb-elsewhere-{RUN}"
HIDDEN, OPEN, INNER = f"hidden-{RUN}", f"open-{RUN}", f"inner-{RUN}"
TEXT = "Restart the *client*, then **wait**.\n\n<script>alert(1)</script> [x](javascript:alert(1)) [y](https://example.org)"


@pytest.fixture(scope="module")
def base(stack, tmp_path_factory):
    file = {
        "departments": [{"key": HERE, "name": "Here"}, {"key": ELSEWHERE, "name": "Elsewhere"}],
        "people": [
            {"email": f"{name}@{RUN}.example", "login": f"{name}-{RUN}", "name": name.title(), "roles": [role],
             "departments": departments, "password": PASSWORD}
            for name, role, departments in (
                ("writer", "agent", [HERE]), ("other", "agent", [ELSEWHERE]), ("lead", "lead", []), ("analyst", "analyst", []),
                ("reader", "requester", []), ("second", "requester", []),
            )
        ],
        "categories": [
            {"key": OPEN, "name": "Open", "order": 2}, {"key": INNER, "name": "Inner", "parent": OPEN},
            {"key": HIDDEN, "name": "Hidden", "order": 1, "visibility": "internal"},
        ],
    }  # fmt: skip
    path = tmp_path_factory.mktemp("knowledge") / "org.yaml"
    path.write_text(yaml.safe_dump(file))
    answer = ledgerdesk(stack, "org", "apply", str(path))
    assert answer.returncode == 0, answer.stderr
    clients = {
        name: stack.signed_in(f"{name}-{RUN}") for name in ("writer", "other", "lead", "analyst", "reader", "second")
    }
    clients["guest"] = stack.client(None)
    yield clients
    for client in clients.values():
        client.close()


class Told:
    """A client that reads its own writes."""

    def __init__(self, client) -> None:
        self.client, self.after = client, ""

    def __call__(self, method, path, body=None, status=None, **options):
        headers = {"Ledgerdesk-After": self.after, **options.pop("headers", {})}
        answer = self.client.request(method, path, json=body, headers=headers, **options)
        self.after = answer.headers.get("Ledgerdesk-Version", self.after)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer


@pytest.fixture
def writer(base):
    return Told(base["writer"])


def written(writer, title, body=TEXT, publish=None, **more):
    article = writer("POST", "/articles", {"title": title, "body": body, **more}).json()["id"]
    if publish:
        writer("POST", f"/articles/{article}/publish", {"visibility": publish})
    writer("GET", f"/articles/{article}")
    return article


def read_by(base, article) -> set[str]:
    return {name for name, client in base.items() if client.get(f"/articles/{article}").is_success}


def test_a_draft_is_worked_on_while_the_published_version_stays(base, writer):
    article = written(writer, f"VPN {RUN}", category=OPEN, summary="What to do", keywords=["tunnel"])
    assert read_by(base, article) == {"writer", "other", "lead"}
    writer("POST", f"/articles/{article}/publish", {"visibility": "internal"})
    writer("GET", f"/articles/{article}")
    assert read_by(base, article) == {"writer", "other", "lead", "analyst"}
    writer("POST", f"/articles/{article}/publish", {"visibility": "public"})
    seen = writer("GET", f"/articles/{article}")
    assert read_by(base, article) == set(base)
    assert seen.headers["ETag"] == '"knowledge.3"'
    stale = {"If-Match": '"knowledge.2"'}
    writer("PUT", f"/articles/{article}", {"title": "x", "body": "y"}, status=412, headers=stale)
    new = {"title": f"VPN anew {RUN}", "body": TEXT + "\n\nOr call."}
    writer("PUT", f"/articles/{article}", new, headers={"If-Match": seen.headers["ETag"]})
    shown = writer("GET", f"/articles/{article}").json()
    assert (shown["title"], shown["version"], shown["latest"], shown["status"]) == (f"VPN {RUN}", 1, 2, "public")
    guest = base["guest"].get(f"/articles/{article}").json()
    assert (guest["title"], guest["latest"], guest["author"], guest["from_ticket"]) == (f"VPN {RUN}", None, None, None)
    assert "script" not in guest["html"].replace("&lt;script&gt;", "").replace("&lt;/script&gt;", "").replace(
        "javascript:", ""
    )
    assert '<a href="https://example.org" rel="nofollow noopener">' in guest["html"]
    assert 'href="javascript' not in guest["html"]
    assert writer("GET", f"/articles/{article}/versions/2").json()["title"] == f"VPN anew {RUN}"
    compared = writer("GET", f"/articles/{article}/compare", params={"old": 1, "new": 2}).json()
    assert {change["field"] for change in compared["changes"]} == {"title", "summary", "keywords"}
    assert compared["body"][-1] == {"kind": "insert", "lines": ["", "Or call."]}
    writer("POST", f"/articles/{article}/restore", {"version": 1})
    versions = writer("GET", f"/articles/{article}/versions").json()["items"]
    assert [(v["version"], v["restored"], v["published"]) for v in versions] == [
        (3, 1, False),
        (2, None, False),
        (1, None, True),
    ]
    writer("POST", f"/articles/{article}/publish", {"visibility": "public", "version": 3})
    writer("DELETE", f"/articles/{article}/versions/3", status=409)
    writer("DELETE", f"/articles/{article}/versions/2")
    assert writer("GET", f"/articles/{article}/versions/2").json()["body"] == "(erased)"
    writer("POST", f"/articles/{article}/withdraw", {"message": "Gone."})
    writer("GET", f"/articles/{article}")
    assert read_by(base, article) == {"writer", "other", "lead"}
    assert base["guest"].get(f"/articles/{article}").status_code == 404


def test_the_same_key_is_the_same_article(writer):
    answers = [
        writer("POST", "/articles", {"title": "Once", "body": "x"}, headers={"Idempotency-Key": f"once-{RUN}"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Ledgerdesk-Repeat"] == "true"
    writer("POST", "/articles", {"title": "Twice", "body": "x"}, status=422, headers={"Idempotency-Key": f"once-{RUN}"})


def test_tickets_and_reports_do_not_wait_for_an_article(base):
    writer = Told(base["lead"])
    written(writer, "Waited for by nobody")
    for path in ("/tickets", "/tickets/counts", "/reports/volumes"):
        answer = writer("GET", path, status=200)
        assert "Ledgerdesk-Stale" not in answer.headers, path
    assert ":knowledge:" in writer.after


def test_departments_and_categories_say_who_reads(base, writer):
    mine = written(writer, f"Mine {RUN}", publish="internal", departments=[HERE])
    assert read_by(base, mine) == {"writer", "lead", "analyst"}
    hidden = written(writer, f"Hidden {RUN}", publish="public", category=HIDDEN)
    assert read_by(base, hidden) == {"writer", "other", "lead", "analyst"}
    writer("POST", f"/articles/{hidden}/move", {"category": INNER})
    writer("GET", f"/articles/{hidden}")
    assert read_by(base, hidden) == set(base)
    for body, field in (({"category": "nowhere"}, "category"), ({"departments": ["nowhere"]}, "departments.0")):
        answer = writer("POST", f"/articles/{hidden}/move", body, status=422)
        assert answer.json()["errors"][0]["field"] == field
    inner = base["guest"].get("/articles", params={"category": OPEN}).json()["items"]
    assert hidden in [item["id"] for item in inner]
    keys = [
        (c["key"], c["parent"]) for c in base["guest"].get("/articles/categories").json()["items"] if RUN in c["key"]
    ]
    assert keys == [(OPEN, None), (INNER, OPEN)]
    keys = [c["key"] for c in base["writer"].get("/articles/categories").json()["items"] if RUN in c["key"]]
    assert keys == [HIDDEN, OPEN, INNER]


def test_what_is_not_published_of_a_departments_article_is_for_the_department(base, writer):
    article = written(writer, f"Theirs {RUN}", publish="public", departments=[HERE])
    assert read_by(base, article) == set(base)
    writer("PUT", f"/articles/{article}", {"title": f"Theirs {RUN}", "body": "not yet for everybody"})
    assert writer("GET", f"/articles/{article}/versions/2").json()["body"] == "not yet for everybody"
    for path in ("/versions", "/versions/2", "/versions/1", "/compare?old=1&new=2"):
        assert base["other"].get(f"/articles/{article}{path}").status_code == 403, path
    assert base["other"].post("/articles/preview", json={"body": "x", "article": article}).status_code == 403
    assert base["other"].get(f"/articles/{article}").json()["version"] == 1
    writer("POST", f"/articles/{article}/withdraw", {})
    writer("GET", f"/articles/{article}")
    assert read_by(base, article) == {"writer", "lead", "analyst"} - {"analyst"}, (
        "withdrawn, it is the writers' of its department"
    )


def found(client, q, **more):
    return [
        item["title"] for item in client.get("/articles", params={"q": q, **more}).raise_for_status().json()["items"]
    ]


def test_articles_are_found_by_words_in_any_form_and_by_beginnings(base, writer):
    english = written(
        writer, f"Certificates expiring {RUN}", "The *gateway* rejects certificates that have expired.", "public"
    )
    written(writer, f"Zertifikate {RUN}", "Die Häuser haben neue Zertifikate.", "public", language="de")
    written(writer, f"Secret certificates {RUN}", "For the desk.", "internal")
    written(writer, f"Planned certificates {RUN}", "A draft.")
    guest = base["guest"]
    assert found(guest, f"certificate {RUN}") == [f"Certificates expiring {RUN}"]
    assert found(guest, f"{RUN} reject certific") == [f"Certificates expiring {RUN}"]
    assert found(guest, f"haus {RUN}") == [f"Zertifikate {RUN}"]
    assert found(guest, f"{RUN} haus", language="en") == []
    assert set(found(base["analyst"], f"certificate {RUN}")) == {
        f"Certificates expiring {RUN}",
        f"Secret certificates {RUN}",
    }
    assert f"Planned certificates {RUN}" in found(base["writer"], f"certificate {RUN}", status="draft")
    assert found(guest, f"certificate nonsense{RUN}") == []
    assert found(guest, "'); --") == []
    item = guest.get("/articles", params={"q": "gateway rejecting"}).json()["items"][0]
    assert item["id"] == english
    assert {"text": "gateway", "match": True} in item["snippet"]
    pages = guest.get("/articles", params={"q": RUN, "limit": 1}).json()
    assert pages["next"]
    second = guest.get("/articles", params={"q": RUN, "limit": 1, "cursor": pages["next"]}).json()
    assert second["items"][0]["id"] != pages["items"][0]["id"]


def test_articles_are_suggested_while_a_question_is_typed_and_for_a_ticket(base, writer, admin):
    article = written(writer, f"Printer{RUN} jams", "Open the tray.", "public")
    for q in (f"my printer{RUN} does not work", f"help! printer{RUN[:4]}"):
        suggested = base["guest"].get("/articles/suggest", params={"q": q}).json()["items"]
        assert suggested[0]["id"] == article
    ticket = base["reader"].post("/tickets", json={"subject": f"Why does printer{RUN} jam?", "body": "x"}).json()["id"]
    wait_until(
        lambda: base["writer"].get("/articles/suggest", params={"ticket": ticket}).is_success,
        message="knowledge's ticket",
    )
    assert base["writer"].get("/articles/suggest", params={"ticket": ticket}).json()["items"][0]["id"] == article
    assert base["second"].get("/articles/suggest", params={"ticket": ticket}).status_code == 404
    assert base["guest"].get("/articles/suggest", params={"ticket": ticket}).status_code == 404
    assert admin.get("/articles/suggest").status_code == 422


def test_people_say_once_whether_it_helped_and_may_change_their_minds(base, writer):
    article = written(writer, f"Rated {RUN}", publish="public")
    reader, second = Told(base["reader"]), Told(base["second"])
    reader("POST", f"/articles/{article}/rating", {"helpful": True, "comment": "Thanks!"})
    second("POST", f"/articles/{article}/rating", {"helpful": True})
    second("POST", f"/articles/{article}/rating", {"helpful": False, "comment": "Not for Linux."})
    second("POST", f"/articles/{article}/rating", {"helpful": False, "comment": "Not for Linux."})
    shown = second("GET", f"/articles/{article}").json()
    wait_until(lambda: reader("GET", f"/articles/{article}").json()["unhelpful"] == 1, message="the count")
    assert (shown["unhelpful"], shown["my_rating"]) == (1, False)
    assert reader("GET", f"/articles/{article}").json()["helpful"] == 1
    said = writer("GET", f"/articles/{article}/ratings").json()["items"]
    assert [(one["helpful"], one["comment"]) for one in said] == [(False, "Not for Linux."), (True, "Thanks!")]
    assert base["guest"].post(f"/articles/{article}/rating", json={"helpful": True}).status_code == 401
    draft = written(writer, f"Unrated {RUN}")
    writer("POST", f"/articles/{draft}/rating", {"helpful": True}, status=409)


def test_an_article_is_made_of_a_resolved_ticket_and_both_know_each_other(base, writer):
    ticket = base["reader"].post("/tickets", json={"subject": f"Fax {RUN}", "body": "x"}).json()["id"]
    writer("POST", "/articles", {"from_ticket": ticket}, status=409)
    wait_until(
        lambda: base["writer"].post(f"/tickets/{ticket}/resolve", json={"resolution": "Plug it in."}).is_success,
        message="the ticket",
    )
    wait_until(
        lambda: (
            base["writer"]
            .post("/articles", json={"from_ticket": ticket}, headers={"Idempotency-Key": f"fax-{RUN}"})
            .is_success
        ),
        message="the resolution",
    )
    again = writer("POST", "/articles", {"from_ticket": ticket}, headers={"Idempotency-Key": f"fax-{RUN}"}).json()["id"]
    shown = writer("GET", f"/articles/{again}").json()
    assert (shown["title"], shown["body"], shown["status"], shown["from_ticket"]) == (
        f"Fax {RUN}",
        "Plug it in.",
        "draft",
        ticket,
    )

    def linked(who):
        return [item["id"] for item in base[who].get(f"/tickets/{ticket}/articles").raise_for_status().json()["items"]]

    assert linked("writer") == [again]
    assert linked("reader") == []
    writer("POST", f"/articles/{again}/publish", {"visibility": "public"})
    writer("GET", f"/articles/{again}")
    assert linked("reader") == [again]
    assert base["second"].get(f"/tickets/{ticket}/articles").status_code == 404
    assert [t["id"] for t in writer("GET", f"/articles/{again}/tickets").json()["items"]] == [ticket]
    writer("POST", f"/articles/{again}/unlink", {"ticket": ticket})
    assert writer("GET", f"/tickets/{ticket}/articles").json()["items"] == []
    writer("POST", f"/articles/{again}/link", {"ticket": ticket})
    assert len(writer("GET", f"/tickets/{ticket}/articles").json()["items"]) == 1


def test_who_works_a_ticket_links_articles_to_it(base, writer):
    article = written(writer, f"Linked {RUN}", publish="public")
    ticket = base["reader"].post("/tickets", json={"subject": f"Link {RUN}", "body": "x"}).json()["id"]
    writer("POST", f"/articles/{article}/link", {"ticket": ticket})
    for verb in ("link", "unlink"):
        statuses = {
            name: base[name].post(f"/articles/{article}/{verb}", json={"ticket": ticket}).status_code
            for name in ("guest", "reader", "analyst", "other")
        }
        assert statuses == {"guest": 401, "reader": 403, "analyst": 403, "other": 200}
    writer("POST", f"/articles/{article}/link", {"ticket": "nowhere"}, status=404)


def test_bad_questions_get_a_problem_that_names_the_remedy(base, writer):
    article = written(writer, f"Strict {RUN}")
    assert base["guest"].get("/articles", params={"at": "2026-01-01"}).status_code == 400
    assert base["writer"].get(f"/articles/{article}", params={"as_of": "x"}).status_code == 400
    assert base["guest"].get("/articles", params={"department": HERE}).status_code == 403
    for cursor in ("nonsense", "W3RydWVd", "WzAuNV0"):  # of no list: [true], [0.5]
        assert base["writer"].get("/articles", params={"cursor": cursor}).status_code == 422, cursor
    assert base["guest"].get("/articles/suggest", params={"q": "a\x00b"}).status_code == 422
    writer("POST", "/articles", {"title": "x"}, status=422)
    writer("POST", "/articles", {"title": "x", "body": "y", "surprise": 1}, status=422)
    writer("POST", f"/articles/{article}/publish", {"visibility": "secret"}, status=422)
    writer("GET", f"/articles/{article}/versions/9", status=404)
    assert base["writer"].post("/articles/preview", json={"body": "**b**"}).json() == {
        "html": "<p><strong>b</strong></p>\n"
    }


def test_guests_are_kept_out_where_the_policy_says_so(stack, base, writer, tmp_path):
    article = written(writer, f"Policy {RUN}", publish="public")
    for guests in (False, True):
        (tmp_path / "policy.yaml").write_text(yaml.safe_dump({"policy": {"guests_read": guests}}))
        assert ledgerdesk(stack, "org", "apply", str(tmp_path / "policy.yaml")).returncode == 0
        assert base["guest"].get(f"/articles/{article}").status_code == (200 if guests else 401)
        assert base["reader"].get(f"/articles/{article}").is_success


def test_what_is_wrong_with_categories_is_said(stack, tmp_path):
    (tmp_path / "circle.yaml").write_text(
        yaml.safe_dump(
            {"categories": [{"key": "a", "name": "A", "parent": "b"}, {"key": "b", "name": "B", "parent": "a"}]}
        )
    )
    answer = ledgerdesk(stack, "org", "apply", str(tmp_path / "circle.yaml"))
    assert answer.returncode != 0
    assert "within itself" in answer.stderr


def test_views_are_what_the_stores_say_and_can_be_made_anew(stack, base, writer):
    article = written(writer, f"Rebuilt {RUN}", publish="public")
    for name in ("knowledge", "knowledge.article", "knowledge.rating"):
        answer = ledgerdesk(stack, "rebuild", name)
        assert answer.returncode == 0, answer.stderr
    assert base["guest"].get(f"/articles/{article}").is_success
    assert found(base["guest"], f"rebuilt {RUN}") == [f"Rebuilt {RUN}"]
    checked = ledgerdesk(stack, "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "knowledge" in ledgerdesk(stack, "doctor").stdout


def test_who_is_forgotten_leaves_no_comment(stack, writer, admin):
    email = f"forget@{RUN}.example"
    admin.headers["Ledgerdesk-On-Behalf-Of"] = email
    article = written(writer, f"Forgets {RUN}", publish="public")
    assert admin.post(f"/articles/{article}/rating", json={"helpful": True}).status_code == 403
    admin.post("/tickets", json={"subject": "x", "body": "y"}).raise_for_status()
    said = {"helpful": True, "comment": "I am Ken"}
    wait_until(lambda: admin.post(f"/articles/{article}/rating", json=said).is_success, message="the person")
    wait_until(lambda: writer("GET", f"/articles/{article}/ratings").json()["items"], message="the rating")
    answer = ledgerdesk(stack, "person", "forget", email, "--reason", "asked", "--yes")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert writer("GET", f"/articles/{article}/ratings").json()["items"][0]["comment"] is None
    assert writer("GET", f"/articles/{article}").json()["helpful"] == 1
