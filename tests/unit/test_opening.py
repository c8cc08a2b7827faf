"""How many ticket numbers are drawn ahead: none where tickets come one by one, so that numbers have no gaps there."""

import pytest

from services.intake.opening import FRESH, MOST_AHEAD, ahead


@pytest.mark.parametrize(
    ("given", "seconds", "drawn"),
    [
        (1, 60.0, 0), (1, 0.15, 0), (2, 0.19, 0), (4, 0.1, 2), (30, 0.1, 15), (200, 0.1, MOST_AHEAD), (1000, FRESH + 0.01, 0),
        (1, float("inf"), 0), (3, 0.0, MOST_AHEAD),
    ],
)  # fmt: skip
def test_numbers_are_drawn_ahead_at_the_rate_at_which_they_were_wanted(given, seconds, drawn):
    assert ahead(given, seconds) == drawn
