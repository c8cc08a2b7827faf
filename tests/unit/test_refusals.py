"""What the API says in English, in the reader's language on the pages: refusals of moves, and why events are parked."""

import pytest

from services.gateway.pages.language import Reader, languages, reading
from services.gateway.pages.parked import named, why
from services.gateway.pages.refusals import KNOWN, OF_A_STATUS, in_words
from services.workflow.domain import Life, close, reopen
from services.workflow.domain.state import refuse
from shared.refusal import Refusal

GERMAN = Reader(languages()["de"], None)


@pytest.mark.parametrize("status", ["new", "open", "on_hold", "resolved", "closed", "merged"])
@pytest.mark.parametrize("text", OF_A_STATUS)
def test_a_refused_move_is_said_in_the_reader_s_language(text: str, status: str) -> None:
    verb, _, remedy = text.removeprefix("A ticket that is %(status)s cannot be ").partition(": ")
    said = refuse(Life(status=status), verb, remedy).detail
    assert in_words(said) == said, "in English it is what the API says"
    with reading(GERMAN):
        assert in_words(said).startswith("Ein Ticket, das ")
        assert "cannot" not in in_words(said)


def test_what_the_domain_refuses_with_is_known() -> None:
    with pytest.raises(Refusal) as closed:
        close(Life(status="closed"), message=None)
    with pytest.raises(Refusal) as worked:
        reopen(Life(status="on_hold"), message=None)
    with reading(GERMAN):
        assert in_words(closed.value.detail) == (
            "Ein Ticket, das geschlossen ist, kann nicht geschlossen werden: Es ist schon geschlossen."
        )
        assert "das zurückgestellt ist" in in_words(worked.value.detail)
        assert in_words("3 open tasks block closing: finish or drop them first.").startswith("Das Schließen")
        assert in_words("There is no ticket 'x', or it is not yours to see.").startswith("Ein Ticket 'x'")


def test_what_is_not_known_is_said_as_it_came() -> None:
    with reading(GERMAN):
        assert all(in_words(text) != text for text in KNOWN)
        for text in ("Something else.", "A ticket that is odd cannot be held: reopen it first.", ""):
            assert in_words(text) == text


def test_why_an_event_is_parked_and_what_it_is() -> None:
    assert named("ledgerdesk.ticket.noted") == "Ticket: noted"
    assert why("it cannot be saved: CheckViolationError") == "it cannot be saved: CheckViolationError"
    with reading(GERMAN):
        assert why("it cannot be saved: CheckViolationError") == "es lässt sich nicht speichern: CheckViolationError"
        assert why("an earlier event of this stream is parked").startswith("ein früheres Ereignis")
        assert why("KeyError: 'number'") == "KeyError: 'number'"
        assert named("ledgerdesk.ticket.fields_changed") != "Ticket: fields changed"
