"""The table of rights: every endpoint, who may use it, and which permission it takes."""

from uuid import uuid4

from shared.service_names import SERVICES

RUN = uuid4().hex[:6]
NOBODY = str(uuid4())

# (method, path below the ticket) to (body, who may): `see` whoever sees the ticket; `ask` of those, no analyst; `let` the
# requester and the desk; `desk` who works it; `lead` who may change what others have said.
TICKET_OPERATIONS: dict[tuple[str, str], tuple[object, str]] = {
    ("GET", ""): (None, "see"), ("GET", "/timeline"): (None, "see"), ("GET", "/steps"): (None, "see"), ("GET", "/collaborators"): (None, "see"),
    ("POST", "/messages"): ({"body": "x"}, "ask"), ("POST", "/close"): (None, "ask"), ("POST", "/reopen"): (None, "ask"),
    ("POST", "/rating"): ({"score": 5}, "rate"), ("POST", "/collaborators"): ({"email": f"c@{RUN}.example"}, "let"),
    ("DELETE", f"/collaborators/{NOBODY}"): (None, "let"),
    ("PUT", f"/messages/{NOBODY}"): ({"body": "x"}, "lead"), ("DELETE", f"/messages/{NOBODY}"): (None, "lead"),
    ("POST", "/split"): ({"messages": [NOBODY], "subject": "x"}, "desk"),
    ("POST", "/assign"): ({"team": "on-call"}, "desk"), ("POST", "/claim"): (None, "agent"), ("POST", "/release"): (None, "desk"),
    ("POST", "/transfer"): ({"department": "nowhere"}, "desk"), ("POST", "/refer"): ({"department": "support"}, "desk"),
    ("POST", "/withdraw-referral"): ({"team": "on-call"}, "desk"),
    ("POST", "/notes"): ({"body": "x"}, "desk"), ("POST", "/replies"): ({"body": "x"}, "desk"),
    ("PUT", f"/notes/{NOBODY}"): ({"body": "x"}, "desk"), ("DELETE", f"/notes/{NOBODY}"): (None, "desk"),
    ("PUT", f"/replies/{NOBODY}"): ({"body": "x"}, "desk"), ("DELETE", f"/replies/{NOBODY}"): (None, "desk"),
    ("POST", "/prioritise"): ({"priority": "low"}, "desk"), ("POST", "/hold"): (None, "desk"), ("POST", "/resume"): (None, "desk"),
    ("POST", "/state"): ({"state": None}, "desk"), ("GET", "/moves"): (None, "see"),
    ("POST", "/resolve"): ({"resolution": "x"}, "desk"), ("POST", "/escalate"): (None, "desk"),
    ("GET", "/fields"): (None, "see"), ("PATCH", "/fields"): ({"no-such-field": None}, "ask"),
    ("POST", "/acknowledge"): (None, "desk"), ("POST", "/tags"): ({"add": ["x"]}, "desk"), ("GET", "/tasks"): (None, "desk"),
    ("POST", "/tasks"): ({"title": "x", "blocks": False}, "desk"), ("PATCH", f"/tasks/{NOBODY}"): ({"title": "x"}, "desk"),
    ("POST", f"/tasks/{NOBODY}/finish"): (None, "desk"), ("POST", f"/tasks/{NOBODY}/reopen"): (None, "desk"),
    ("POST", f"/tasks/{NOBODY}/drop"): (None, "desk"), ("GET", "/time"): (None, "desk"),
    ("POST", "/time"): ({"minutes": 1}, "desk"), ("DELETE", f"/time/{NOBODY}"): (None, "desk"),
    ("POST", "/watch"): (None, "desk"), ("POST", "/unwatch"): (None, "desk"), ("GET", "/links"): (None, "desk"),
    ("POST", "/links"): ({"kind": "related", "ticket": "self"}, "desk"),
    ("POST", "/unlink"): ({"kind": "related", "ticket": "self"}, "desk"), ("POST", "/merge"): ({"into": "self"}, "desk"),
    ("GET", f"/attachments/{NOBODY}/0"): (None, "see"), ("POST", "/unmerge"): (None, "desk"), ("GET", "/articles"): (None, "see"), ("GET", "/presence"): (None, "desk"), ("POST", "/presence"): ({"doing": "viewing"}, "desk"),
    ("GET", "/similar"): (None, "desk"), ("GET", "/guest-links"): (None, "desk"), ("POST", "/guest-links"): (None, "desk"), ("DELETE", "/guest-links"): (None, "desk"),
    ("DELETE", f"/guest-links/{NOBODY}"): (None, "desk"),
}  # fmt: skip
# What one of the desk needs besides sight, by permission; what is not in it takes sight alone, or is not the desk's.
PERMISSION_FOR: dict[str, list[tuple[str, str]]] = {
    "ticket.create": [("POST", "/messages")],
    "ticket.edit": [
        ("POST", "/prioritise"), ("POST", "/tags"), ("POST", "/collaborators"), ("DELETE", f"/collaborators/{NOBODY}"),
        ("PATCH", "/fields"), *((method, "/guest-links") for method in ("GET", "POST", "DELETE")), ("DELETE", f"/guest-links/{NOBODY}"),
    ],
    "ticket.assign": [("POST", "/assign"), ("POST", "/claim")], "ticket.release": [("POST", "/release")],
    "ticket.transfer": [("POST", "/transfer")], "ticket.refer": [("POST", "/refer"), ("POST", "/withdraw-referral")],
    "ticket.merge": [("POST", "/merge"), ("POST", "/unmerge"), ("POST", "/split")],
    "ticket.link": [("POST", "/links"), ("POST", "/unlink")],
    "ticket.reply": [("POST", "/replies"), ("PUT", f"/replies/{NOBODY}"), ("DELETE", f"/replies/{NOBODY}")],
    "ticket.note": [("POST", "/notes"), ("PUT", f"/notes/{NOBODY}"), ("DELETE", f"/notes/{NOBODY}")],
    "ticket.hold": [("POST", "/hold"), ("POST", "/resume"), ("POST", "/state")],
    "ticket.close": [("POST", "/resolve"), ("POST", "/close"), ("POST", "/reopen")],
    "ticket.escalate": [("POST", "/escalate"), ("POST", "/acknowledge")],
    "task.create": [("POST", "/tasks")], "task.edit": [("PATCH", f"/tasks/{NOBODY}")],
    "task.close": [("POST", f"/tasks/{NOBODY}/{verb}") for verb in ("finish", "reopen", "drop")],
    "time.log": [("POST", "/time"), ("DELETE", f"/time/{NOBODY}")],
    "thread.edit": [("PUT", f"/messages/{NOBODY}"), ("DELETE", f"/messages/{NOBODY}")],
}  # fmt: skip
SIGHT_ALONE = {
    ("GET", ""), ("GET", "/timeline"), ("GET", "/steps"), ("GET", "/collaborators"), ("GET", f"/attachments/{NOBODY}/0"), ("GET", "/tasks"), ("GET", "/time"), ("GET", "/links"),
    ("GET", "/similar"), ("GET", "/articles"), ("GET", "/fields"), ("GET", "/moves"), ("GET", "/presence"), ("POST", "/watch"), ("POST", "/unwatch"), ("POST", "/presence"),
}  # fmt: skip
OF_THE_REQUESTER = {("POST", "/rating")}
WRITING: dict[tuple[str, str], object] = {
    ("PUT", ""): {"title": "x", "body": "y"}, ("GET", "/versions"): None, ("GET", "/versions/{version}"): None,
    ("DELETE", "/versions/{version}"): None, ("GET", "/compare?old=1&new=1"): None, ("POST", "/restore"): {"version": 1},
    ("POST", "/publish"): {"visibility": "public"}, ("POST", "/withdraw"): None, ("POST", "/move"): {}, ("GET", "/ratings"): None,
    ("GET", "/tickets"): None,
}  # fmt: skip
"""On an article; who writes may, and nobody else, whatever the article is to him."""
OTHER_OPERATIONS: dict[tuple[str, str], tuple[object, set[str]]] = {
    ("GET", "/tickets"): (None, {"all"}), ("GET", "/tickets/counts"): (None, {"all"}), ("GET", "/me"): (None, {"all"}),
    ("GET", "/topics"): (None, {"all"}), ("GET", "/mentions"): (None, {"desk"}), ("GET", "/lifecycle"): (None, {"desk", "analyst"}), ("GET", "/reports"): (None, {"desk", "analyst"}),
    ("GET", "/reports/volumes"): (None, {"desk", "analyst"}),
    ("GET", '/reports/volumes/counted?figure=count&row={"day":"2026-03-02","kind":"created"}'): (None, {"sees all"}),
    ("GET", "/keys"): (None, {"administrator"}),
    ("POST", "/keys"): ({"name": "x", "roles": ["agent"]}, {"administrator"}), ("DELETE", f"/keys/{NOBODY}"): (None, {"administrator"}),
    ("GET", "/accounts"): (None, {"administrator"}), ("GET", "/sessions"): (None, {"all"}),
    ("DELETE", f"/sessions/{NOBODY}"): (None, {"all"}), ("GET", "/me/totp"): (None, {"all"}),
    ("POST", "/me/totp"): ({"current": "wrong"}, {"all"}), ("POST", "/me/totp/confirm"): ({"code": "000000"}, {"all"}),
    ("POST", "/me/totp/recovery-codes"): ({"code": "000000"}, {"all"}), ("POST", "/me/totp/remove"): ({"code": "000000"}, {"all"}),
    ("POST", "/accounts/nobody-of-that-name/links"): (None, {"administrator"}),
    ("DELETE", "/accounts/nobody-of-that-name/totp"): (None, {"administrator"}),
    ("DELETE", "/accounts/nobody-of-that-name/identities"): (None, {"administrator"}),
    ("PUT", "/accounts/nobody-of-that-name/password"): ({"password": "a password for one test"}, {"administrator"}),
    ("GET", "/dashboards"): (None, {"desk", "analyst"}), ("POST", "/dashboards"): ({"name": "x"}, {"desk", "analyst"}),
    ("PUT", f"/dashboards/{NOBODY}"): ({"name": "x"}, {"desk", "analyst"}), ("DELETE", f"/dashboards/{NOBODY}"): (None, {"desk", "analyst"}),
    ("GET", "/queues"): (None, {"all"}), ("POST", "/queues"): ({"name": "x"}, {"desk"}),
    ("PUT", f"/queues/{NOBODY}"): ({"name": "x"}, {"desk"}), ("DELETE", f"/queues/{NOBODY}"): (None, {"desk"}),
    ("GET", "/canned-replies"): (None, {"desk"}), ("GET", "/agents"): (None, {"desk"}), ("GET", "/departments"): (None, {"all"}),
    ("GET", "/teams"): (None, {"desk"}), ("GET", "/organisations"): (None, {"desk"}), ("GET", "/people?q=xy"): (None, {"desk"}),
    ("POST", "/attachments"): (None, {"requester", "desk"}),
    ("POST", "/sla/recompute"): ({"plan": "none"}, {"administrator"}),
    ("GET", "/internal/intake/events"): (None, {"administrator"}), ("GET", "/internal/workflow/entries"): (None, {"administrator"}),
    ("PUT", "/internal/routing/organisation"): ({}, {"administrator"}), ("GET", f"/internal/gateway/images/{'0' * 64}"): (None, {"administrator"}),
    ("GET", "/internal/dead-letters"): (None, {"administrator"}), ("PUT", "/internal/organisation"): ({"file": "{}"}, {"administrator"}),
    **{("GET", f"/internal/{name}/parked"): (None, {"administrator"}) for name in SERVICES},
    **{("POST", f"/internal/{name}/parked/retry"): ({"stream": NOBODY}, {"administrator"}) for name in SERVICES},
    **{
        ("POST", f"/internal/{name}/parked/discard"): ({"stream": NOBODY, "events": [NOBODY], "reason": "x"}, {"administrator"})
        for name in SERVICES
    },
    ("PUT", "/internal/workflow/organisation"): ({}, {"administrator"}),
    ("PUT", "/internal/intake/organisation"): ({}, {"administrator"}),
    ("PUT", "/internal/gateway/organisation"): ({}, {"administrator"}),
    ("PUT", "/internal/knowledge/organisation"): ({}, {"administrator"}),
    ("POST", "/internal/rules/try"): ({"rules": [{"key": "x", "name": "x", "order": 1, "tests": [], "actions": {}}]}, {"administrator"}),
    ("POST", "/articles/preview"): ({"body": "x"}, {"desk"}), ("GET", "/articles/preview/images/{image}"): (None, {"desk"}), ("POST", "/articles"): ({"title": "x", "body": "y"}, {"desk"}),
    ("POST", "/articles/{article}/rating"): ({"helpful": True}, {"all"}),
    **{(method, f"/articles/{{article}}{path}"): (body, {"desk"}) for (method, path), body in WRITING.items()},
    ("POST", "/internal/intake/forget"): ({"who": "x@y.example", "reason": "asked"}, {"administrator"}),
}  # fmt: skip
for verb, body in (
    ("assign", {"team": "on-call"}), ("claim", {}), ("release", {}), ("transfer", {"department": "support"}), ("prioritise", {"priority": "low"}),
    ("hold", {}), ("resume", {}), ("state", {"state": None}), ("resolve", {"resolution": "x"}), ("close", {}), ("reopen", {}), ("tags", {"add": ["x"]}),
    ("fields", {"no-such-field": None}),
    ("watch", {}), ("unwatch", {}),
):  # fmt: skip
    OTHER_OPERATIONS["POST", f"/bulk/{verb}"] = ({"tickets": ["nowhere"], "body": body}, {"desk"})
for owner in ("routing", "workflow"):
    OTHER_OPERATIONS["POST", f"/bulk/{owner}/{NOBODY}/undo"] = (None, {"desk"})
OPEN_TO_GUESTS = {
    ("GET", "/articles"), ("GET", "/articles/categories"), ("GET", "/articles/suggest"), ("GET", "/articles/{article}"),
    *(("GET", f"/articles/{{article}}/versions/{{version}}/{files}/0") for files in ("attachments", "images")),
}  # fmt: skip
"""Which articles are shown to whom: see test_knowledge.py and test_article_files.py, as who may link them to tickets."""
LINKING = {("POST", "/articles/{article}/link"), ("POST", "/articles/{article}/unlink")}
ELSEWHERE_TESTED = OPEN_TO_GUESTS | LINKING | {
    ("POST", "/tickets"), ("POST", "/sessions"), ("DELETE", "/sessions/current"), ("GET", "/stream"), ("GET", "/openapi.json"),
    ("POST", "/sessions/code"), ("DELETE", "/sessions"), ("POST", "/links"),
    ("POST", "/guest-links/open"), ("POST", "/guest-links/ask"),
}  # fmt: skip
GUESTS = {
    ("GET", ""), ("GET", "/timeline"), ("GET", "/fields"), ("GET", "/moves"), ("GET", f"/attachments/{NOBODY}/0"),
    ("GET", "/collaborators"), ("POST", "/messages"), ("POST", "/close"), ("POST", "/reopen"), ("POST", "/rating"),
}  # fmt: skip
"""On the one ticket that his link is for."""
GUESTS_ELSEWHERE = {("POST", "/attachments")}
"""Good for nothing but a message on that ticket."""


def outcome(client, method: str, path: str, body: object) -> str:
    answer = client.request(method, path, json=body)
    if answer.status_code == 404 and "There is no ticket" in answer.json().get("detail", ""):
        return "hidden"
    return {401: "unknown", 403: "refused"}.get(answer.status_code, "may")


def of_article(path: str, article: str) -> str:
    return path.replace("{article}", article).replace("{version}", "1")
