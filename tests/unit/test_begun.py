"""The last word of a search is the beginning of one: what is taken for a beginning, and how it is quoted."""

from hypothesis import given
from hypothesis import strategies as st

from services.workflow.ticket_list import begun


def test_the_last_word_begins_and_the_others_are_whole():
    assert begun("The Print") == ("the", "'print':*")
    assert begun("  100 ") == ("", "'100':*")
    assert begun("a ken@exam") == ("a", "'ken@exam':*")


def test_too_short_too_long_or_no_word_begins_nothing():
    assert [begun(text) for text in ("", " ", "vp", "a b", "-- ..", "a" * 101)] == [None] * 6
    assert begun("a" * 100) is not None


def test_what_stands_around_a_word_is_not_of_it():
    assert begun("(printer),") == ("", "'printer':*")


@given(st.text())
def test_whatever_is_typed_is_one_quoted_word(text):
    found = begun(text)
    if found is not None:
        quoted = found[1].removeprefix("'").removesuffix("':*")
        assert found[1] == f"'{quoted}':*"
        assert "'" not in quoted.replace("''", "")
        assert "\\" not in quoted.replace("\\\\", "")
