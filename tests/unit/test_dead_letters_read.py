"""Dead letters are shown as text where they are text, and as bytes where they are not."""

import pytest

from shared.projection.dead_letters_read import MOST_BYTES, legible, shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, ""), (b"", ""), (b"{", "{"), ("Gr\u00fc\u00dfe\n".encode(), "Gr\u00fc\u00dfe\n"),
        (b"\x00\xffab", "000000  00 ff 61 62                                      ..ab"),
        ("right \u202e to left".encode(), None), (b"\x1b[31m", None),
    ],
)  # fmt: skip
def test_a_record_can_be_read_whatever_it_is(content, said):
    found = legible(content)
    assert found == said if said is not None else found.startswith("000000  ")


def test_what_is_long_is_cut_and_says_so_even_within_a_character():
    found = legible("\u00fc".encode() * MOST_BYTES)
    assert found.startswith("\u00fc" * (MOST_BYTES // 2))
    assert found.endswith(f"\n\u2026 {MOST_BYTES} bytes more")
    odd = legible(b"a" + "\u00fc".encode() * MOST_BYTES)
    assert odd.startswith("a\u00fc")
    assert "more" in odd


def test_where_it_stood_and_why_are_told_apart_from_its_own_headers():
    headers = [
        ("ce_id", b"\xff"),
        ("ledgerdesk_reason", b"no JSON"),
        ("ledgerdesk_topic", b"t"),
        ("ledgerdesk_offset", b"7"),
    ]
    found = shown(3, 1, None, b"{", headers)
    assert (found["reason"], found["topic"], found["topic_offset"], found["partition"]) == ("no JSON", "t", "7", "")
    assert [name for name, _ in found["headers"]] == ["ce_id"]
