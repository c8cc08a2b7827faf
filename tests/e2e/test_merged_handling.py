"""Who has a merged ticket: that is decided on the one that stands for it, until it is unmerged."""

import pytest

from shared.testing.wait import wait_until
from tests.e2e.desk import did, opened
from tests.knowing import all_know


@pytest.mark.parametrize(
    ("verb", "body"),
    [("assign", {"agent": "john"}), ("assign", {"team": "on-call"}), ("claim", None), ("release", None), ("transfer", {"department": "field-service"})],
    ids=["to an agent", "to a team", "claimed", "released", "transferred"],
)  # fmt: skip
def test_nobody_is_given_it_and_nobody_loses_it(verb, body, person, admin):
    lea = person("lea")
    ticket, other = opened(lea), opened(lea)
    wait_until(lambda: lea.get(f"/tickets/{ticket}").json().get("assignee"), message="who has it")
    did(lea, "POST", f"/tickets/{ticket}/merge", {"into": other})
    all_know(admin)
    before = lea.get(f"/tickets/{ticket}").json()
    refused = did(lea, "POST", f"/tickets/{ticket}/{verb}", body, (409,))
    assert "unmerge this one first" in refused.json()["detail"]
    many = did(lea, "POST", f"/bulk/{verb}", {"tickets": [ticket], "body": body or {}}).json()
    assert [one["status"] for one in many["results"]] == [409]
    assert lea.get(f"/tickets/{ticket}").json()["versions"] == before["versions"]
    did(lea, "POST", f"/tickets/{ticket}/refer", {"agent": "jane"})
    did(lea, "POST", f"/tickets/{ticket}/unmerge")
    all_know(admin)
    did(lea, "POST", f"/tickets/{ticket}/transfer", {"department": "field-service"})
