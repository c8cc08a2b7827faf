"""What `ledgerdesk sla recompute` says that it has not heard of."""

import pytest

from ledgerdesk.cli_sla import not_heard_of


@pytest.mark.parametrize(
    ("unheard", "unreacted", "lines"),
    [
        ([], 0, []),
        ([{"owner": "intake", "heard": 7, "written": 9}], 0, ["not heard of yet: intake's events after 7, up to 9"]),
        (
            [{"owner": "routing", "heard": 7, "written": None}],
            2,
            [
                "not known: whether routing has written more than 7 events; it does not answer",
                "not reacted to yet: 2 events",
            ],
        ),
    ],
)
def test_a_line_for_each(unheard, unreacted, lines):
    assert not_heard_of({"unheard": unheard, "unreacted": unreacted}) == lines
