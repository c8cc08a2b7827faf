"""Who may ask for reports, what cannot be answered, and what an answer says of itself."""

import pytest

from tests.integration.reports.told import A


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/reports/nothing", 404, None),
        ("/reports/moves?at=2026-01-01", 400, "at"),
        ("/reports/moves?as_of=2026-01-01", 400, "as_of"),
        ("/reports?limit=1", 400, "limit"),
        ("/reports/moves?from=soon", 422, "from"),
        ("/reports/moves?to=2026-13-01", 422, "to"),
        ("/reports/moves?from=2026-02-01&to=2026-02-01", 422, "to"),
        ("/reports/moves?from=2026-02-01&from=2026-02-02", 422, "from"),
        ("/reports/moves?group_by=colour", 422, "group_by"),
        ("/reports/agents?group_by=agent", 422, "group_by"),
        ("/reports/moves?agent=nobody", 422, "agent"),
        ("/reports/moves?department=%00", 422, "department"),
        ("/reports/moves?agent=%00", 422, "agent"),
        ("/reports/moves?format=xml", 422, "format"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name(client, path, status, field):
    answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == ([field] if field else [])


async def test_requesters_read_no_reports(client):
    for role, status in (("requester", 403), ("agent", 200), ("lead", 200), ("administrator", 200), ("system", 200)):
        for path in ("/reports", "/reports/moves"):
            assert (await client.get(path, headers={"Authorization": f"Bearer {role}"})).status_code == status


@pytest.mark.usefixtures("told")
async def test_the_answer_says_what_was_asked(client):
    body = (await client.get("/reports/moves?from=2026-01-01&group_by=topic&priority=high")).json()
    assert list(body) == ["name", "definition", "filters", "complete_until", "rows"]
    assert body["filters"] == {"from": "2026-01-01T00:00:00Z", "to": None, "group_by": ["topic"], "priority": "high"}


@pytest.mark.usefixtures("told")
async def test_one_reads_ones_own_writes_or_is_told(client):
    seen = await client.get("/reports/moves", headers={"Ledgerdesk-After": f"{A}:workflow:5"})
    assert "Ledgerdesk-Stale" not in seen.headers
    early = await client.get("/reports/moves", headers={"Ledgerdesk-After": f"{A}:workflow:6"})
    assert early.headers["Ledgerdesk-Stale"] == "true"
