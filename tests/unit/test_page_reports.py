"""A report's page: its table is cut where it would be too long for a page; what is drawn and counted is not."""

from services.gateway.pages.reports import ROWS, figures_of

ABOUT = {"name": "volumes", "columns": ["day", "count"], "keys": [], "listed": False}


def answer(rows: int) -> dict[str, object]:
    return {"rows": [{"day": f"2026-01-{1 + n % 28:02}", "count": n} for n in range(rows)]}


def test_a_long_table_is_cut_and_says_how_long_it_is():
    found = figures_of(ABOUT, {}, answer(ROWS + 5))
    assert (len(found["rows"]), found["row_count"]) == (ROWS, ROWS + 5)


def test_a_short_one_and_one_that_is_asked_for_whole_are_not():
    assert len(figures_of(ABOUT, {}, answer(ROWS))["rows"]) == ROWS
    assert len(figures_of(ABOUT, {}, answer(ROWS + 5), None)["rows"]) == ROWS + 5
