"""Knowledge decides: versions of an article's words, which of them is read, what people think of it."""

from itertools import pairwise

import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from services.knowledge import domain
from services.knowledge.domain import Article, Opinion
from shared.contracts.event import NewEvent
from shared.testing.given import scenario

given = scenario("knowledge", Article, domain.evolve)
opinion = scenario("knowledge", Opinion, domain.evolve_opinion)

WORDS = {"title": "The VPN drops", "body": "Restart the client.", "summary": None, "keywords": ["vpn"]}
BETTER = {**WORDS, "body": "Restart the client, then wait."}
BEST = {**WORDS, "body": "Install the new client."}
NOWHERE = {"category": None, "departments": []}
NETWORK = {"category": "network", "departments": ["support"]}
TICKET = "00000000-0000-4000-8000-000000000042"


def fact(name: str, personal=None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.article.{name}", data, personal)


drafted = fact("drafted", WORDS, **NOWHERE, language="en", from_ticket=None)
revised = fact("revised", BETTER, number=2, language="en", restored=None)
published = fact("published", number=1, visibility="public", old_number=None, old_visibility=None)
withdrawn = fact("withdrawn", old_number=1, old_visibility="public")
erased = fact("personal_erased", reason="redacted", versions={"drafted": [1]})


def test_a_draft_is_the_first_version_and_nobody_reads_it():
    given().when(domain.draft, words=WORDS, language="en", place=NETWORK).then(
        fact("drafted", WORDS, **NETWORK, language="en", from_ticket=None)
    )
    assert given(drafted).state.status == "draft"


def test_a_draft_of_a_ticket_is_linked_to_it():
    given().when(domain.draft, words=WORDS, language="en", place=NOWHERE, from_ticket=TICKET).then("drafted", "linked")
    given(drafted, fact("linked", ticket=TICKET)).when(domain.link, ticket=TICKET).nothing()


def test_an_article_is_drafted_once():
    given(drafted).when(domain.draft, words=BETTER, language="en", place=NOWHERE).nothing()


def test_other_words_are_the_next_version():
    given(drafted, revised).when(domain.revise, words=BEST, language="en").then(
        fact("revised", BEST, number=3, language="en", restored=None)
    )


def test_the_same_words_are_no_version_but_in_another_language_they_are():
    given(drafted, revised).when(domain.revise, words=BETTER, language="en").nothing()
    given(drafted, revised).when(domain.revise, words=BETTER, language="de").then("revised")


def test_what_is_published_is_a_named_version_and_stays_while_the_next_is_written():
    given(drafted, revised).when(domain.publish, number=1, visibility="public").then(published)
    state = given(drafted, published, revised).state
    assert (state.published, state.visibility, state.versions[-1].number) == (1, "public", 2)


def test_no_number_is_the_newest_version():
    given(drafted, published, revised).when(domain.publish, number=None, visibility="internal").then(
        fact("published", number=2, visibility="internal", old_number=1, old_visibility="public")
    )


def test_publishing_what_is_published_so_is_nothing():
    given(drafted, published).when(domain.publish, number=None, visibility="public").nothing()
    given(drafted, published).when(domain.publish, number=1, visibility="internal").then("published")


@pytest.mark.parametrize(
    "decide", [domain.restore, domain.erase, lambda s, number: domain.publish(s, number=number, visibility="public")]
)
def test_a_version_that_is_not_there_is_refused(decide):
    given(drafted).when(decide, number=2).refused(422, "the newest is 1", "version")


def test_an_older_version_is_written_again_as_the_newest():
    given(drafted, revised).when(domain.restore, number=1).then(
        fact("revised", WORDS, number=3, language="en", restored=1)
    )
    given(drafted, revised).when(domain.restore, number=2).nothing()


def test_a_withdrawn_article_is_read_by_nobody_until_it_is_published_again():
    given(drafted, published).when(domain.withdraw, message="old").then(
        fact("withdrawn", {"message": "old"}, old_number=1, old_visibility="public")
    )
    gone = given(drafted, published, withdrawn)
    assert (gone.state.status, gone.state.published) == ("withdrawn", None)
    gone.when(domain.withdraw, message=None).nothing()
    gone.when(domain.publish, number=None, visibility="public").then(published)
    assert given(drafted, published, withdrawn, published).state.status == "public"


def test_a_draft_can_be_given_up():
    given(drafted).when(domain.withdraw, message=None).then(fact("withdrawn", old_number=None, old_visibility=None))


def test_an_article_is_moved():
    given(drafted).when(domain.move, place=NETWORK).then(fact("moved", new=NETWORK, old=NOWHERE))
    given(drafted, fact("moved", new=NETWORK, old=NOWHERE)).when(domain.move, place=NETWORK).nothing()


def test_a_ticket_is_linked_once_and_unlinked_once():
    linked = fact("linked", ticket=TICKET)
    given(drafted).when(domain.link, ticket=TICKET).then(linked)
    given(drafted).when(domain.unlink, ticket=TICKET).nothing()
    given(drafted, linked).when(domain.unlink, ticket=TICKET).then("unlinked")
    given(drafted, linked, fact("unlinked", ticket=TICKET)).when(domain.link, ticket=TICKET).then(linked)


def test_the_words_of_an_older_version_can_be_blanked():
    given(drafted, revised).when(domain.erase, number=1).then(erased)
    third = fact("revised", BEST, number=3, language="en", restored=None)
    given(drafted, published, revised, third).when(domain.erase, number=2).then(
        fact("personal_erased", reason="redacted", versions={"revised": [3]})
    )


def test_what_is_read_or_worked_on_is_not_blanked():
    given(drafted).when(domain.erase, number=1).refused(409, "the newest one: write one without")
    given(drafted, published, revised).when(domain.erase, number=1).refused(409, "write and publish one without")


def test_blanked_words_are_neither_restored_nor_published_nor_blanked_again():
    blank = given(drafted, revised, erased)
    blank.when(domain.restore, number=1).refused(409, "erased")
    blank.when(domain.publish, number=1, visibility="public").refused(409, "erased: publish another")
    blank.when(domain.erase, number=1).nothing()


def test_somebody_says_that_it_helped_and_changes_his_mind():
    said = NewEvent(
        "ledgerdesk.article_rating.rated", {"article": TICKET, "person_id": TICKET, "helpful": True, "previous": None}
    )
    mind = {"article": TICKET, "person": TICKET}
    opinion().when(domain.rate, **mind, helpful=True, comment=None).then(said)
    opinion(said).when(domain.rate, **mind, helpful=True, comment=None).nothing()
    (changed,) = opinion(said).when(domain.rate, **mind, helpful=False, comment="It did not.").then("rated")
    assert (changed.data["previous"], changed.personal) == (True, {"comment": "It did not."})


def test_a_blanked_comment_is_gone_and_the_opinion_stays():
    said = NewEvent(
        "ledgerdesk.article_rating.rated", {"article": TICKET, "person_id": TICKET, "helpful": True}, {"comment": "Ken says hello"}
    )  # fmt: skip
    gone = NewEvent("ledgerdesk.article_rating.personal_erased", {"reason": "asked", "versions": {"rated": [1]}})
    assert opinion(said, gone).state == Opinion(helpful=True, comment=None)


def category(key: str, parent: str | None) -> dict[str, object]:
    return {"key": key, "parent": parent}


def test_categories_are_a_tree():
    assert domain.problem_with([category("b", "a"), category("a", None), category("c", "b")]) is None
    assert domain.problem_with([category("a", "x")]) == ("a", "there is no category 'x'")
    assert domain.problem_with([category("a", "a")]) == ("a", "'a' would be within itself")
    assert domain.problem_with([category("a", "b"), category("b", "a")]) is not None


texts = st.sampled_from([WORDS, BETTER, BEST])
commands = st.one_of(
    st.builds(lambda words: (domain.revise, {"words": words, "language": "en"}), texts),
    st.builds(lambda n: (domain.restore, {"number": n}), st.integers(1, 5)),
    st.builds(lambda n: (domain.publish, {"number": n, "visibility": "public"}), st.integers(1, 5)),
    st.builds(lambda n: (domain.erase, {"number": n}), st.integers(1, 5)),
    st.just((domain.withdraw, {"message": None})),
)


@any_of(st.lists(commands, max_size=20))
def test_whatever_is_done_versions_are_counted_on_and_what_is_read_has_words(wanted):
    facts = [drafted]
    for decide, arguments in wanted:
        facts += given(*facts).when(decide, **arguments).events
    state = given(*facts).state
    assert all(a.number + 1 == b.number for a, b in pairwise(state.versions))
    assert state.versions[-1].words is not None
    if state.published is not None:
        assert state.versions[state.published - 1].words is not None
        assert state.status == "public"
