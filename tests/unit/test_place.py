"""The place in the feed that an event's id names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from services.gateway.place import MOST_OWED, Place, PlaceHeader, place_of

HEADER: TypeAdapter[str | None] = TypeAdapter(PlaceHeader)
ROW = st.integers(0, 10**18 - 1)


@given(ROW, st.lists(ROW, unique=True, max_size=MOST_OWED))
def test_an_id_names_a_place_and_what_is_owed(last, owed):
    place = Place(last, sorted(owed))
    assert place_of(str(place)) == place
    assert HEADER.validate_python(str(place)) == str(place)


def test_an_id_of_old_is_a_place_where_nothing_is_owed():
    assert place_of("1234") == Place(1234)
    assert str(Place(1234)) == "1234"


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1-", "1--2", "1 2", "+1", "1" * 19, "1" + "-1" * (MOST_OWED + 1), "1\n"]
)
def test_what_is_none_is_refused(text):
    with pytest.raises(ValidationError):
        HEADER.validate_python(text)
