"""Pages of short lists: every item once, in order, and no cursor that is another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.paging import encode_cursor, page_of
from shared.http.problems import Problem


def key(item: str) -> list[str]:
    return [item, ""]


@given(st.sets(st.text(max_size=3)), st.integers(1, 5))
def test_all_pages_together_are_the_list(items, limit):
    found, cursor = [], None
    while True:
        page, cursor = page_of(list(items), key, cursor, limit)
        assert len(page) <= limit
        found += page
        if cursor is None:
            break
        assert len(page) == limit
    assert found == sorted(items)


def test_what_goes_meanwhile_takes_nothing_with_it():
    _, cursor = page_of(["a", "b", "c", "d"], key, None, 2)
    assert page_of(["a", "c", "d"], key, cursor, 2) == (["c", "d"], None)


@pytest.mark.parametrize(
    "cursor", ["x", "", encode_cursor(["a"]), encode_cursor([1, ""]), encode_cursor(["a", None]), "W10"]
)
@pytest.mark.parametrize("items", [[], ["a", "b"]])
def test_no_cursor_of_this_list(items, cursor):
    with pytest.raises(Problem) as refused:
        page_of(items, key, cursor, 10)
    assert refused.value.status == 422
    assert list(refused.value.fields) == ["cursor"]
