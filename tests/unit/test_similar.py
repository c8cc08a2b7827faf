"""By which words one looks for tickets that were solved before."""

from hypothesis import given
from hypothesis import strategies as st

from services.workflow.read_similar import MOST_ROWS, MOST_WORDS, chosen, words_of


def test_words_are_of_three_letters_or_more_and_each_once():
    assert words_of("The VPN on db1 is the slow_vpn, öfter!") == ["the", "vpn", "db1", "slow", "öfter"]
    assert words_of("is it 12?") == []
    assert len(words_of(" ".join(f"word{n}" for n in range(100)))) == MOST_WORDS


def test_rare_words_tell_tickets_apart():
    found = chosen([("printer", 0.3), ("jams", 0.001), ("tray", 0.0), ("paper", 0.019)])
    assert [word for word, _ in found] == ["tray", "jams", "paper"][:3]
    assert [word for word, _ in chosen([("printer", 0.3), ("paper", 0.2)])] == ["paper"], "one in any case"
    worth = dict(found)
    assert worth["tray"] > worth["jams"] > worth["paper"]


@given(st.dictionaries(st.text("abc", min_size=3, max_size=5), st.floats(0, 1)))
def test_what_is_looked_by_finds_few(frequencies):
    found = chosen(list(frequencies.items()))
    assert bool(found) == bool(frequencies)
    assert len(found) <= 1 or sum(frequencies[word] for word, _ in found) <= MOST_ROWS + 1e-9
