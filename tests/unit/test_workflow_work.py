"""Workflow's deciders for the work on a ticket: words corrected and taken back, tasks, time, tags, links, merges, ratings."""

from uuid import UUID

import pytest

from services.workflow import domain
from services.workflow.domain import Life, evolve
from services.workflow.domain.state import Task
from shared.contracts.event import NewEvent
from shared.testing.events import event_of_fact
from shared.testing.given import scenario

given = scenario("workflow", Life, evolve)
JOHN, JANE, HERE, THERE, THIRD = (str(UUID(int=n)) for n in (1, 2, 10, 11, 12))
TASK = str(UUID(int=20))


def fact(name: str, personal: dict | None = None, **data) -> NewEvent:
    return NewEvent(f"ledgerdesk.ticket.{name}", data, personal)


STARTED, RESOLVED, CLOSED = (fact(name) for name in ("started", "resolved", "closed"))


def spoken(*facts: NewEvent, by: str = JOHN) -> tuple[Life, list[str]]:
    """Fold facts said by one person; returns the state and the events' ids."""
    state, ids = Life(), []
    for version, said in enumerate(facts, 1):
        event = event_of_fact(said, "workflow", UUID(HERE), version, actor={"kind": "person", "id": by})
        state = evolve(state, event)
        ids.append(str(event.event_id))
    return state, ids


def when(state: Life, decide, **command):
    from shared.testing.given import Given

    return Given("workflow", state).when(decide, **command)


NOTED = fact("noted", {"body": "the password is hunter2"})


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_correction_carries_old_and_new():
    state, (said,) = spoken(NOTED)
    (event,) = when(state, domain.edit, kind="noted", event=said, by=JOHN, others=False, body="no password here").then(
        "edited"
    )
    assert event.data == {"event": said, "kind": "noted"}
    assert event.personal == {"body": "no password here", "previous": "the password is hunter2"}


def test_a_second_correction_starts_from_the_first():
    state, ids = spoken(NOTED)
    state = evolve(state, event_of_fact(
        fact("edited", {"body": "second", "previous": "x"}, event=ids[0], kind="noted"), "workflow", UUID(HERE), 2))  # fmt: skip
    (event,) = when(state, domain.edit, kind="noted", event=ids[0], by=JOHN, others=False, body="third").then("edited")
    assert event.personal["previous"] == "second"
    when(state, domain.edit, kind="noted", event=ids[0], by=JOHN, others=False, body="second").nothing()


@pytest.mark.parametrize("decide", [domain.edit, domain.take_back])
def test_whose_words_may_be_changed(decide):
    state, (said,) = spoken(NOTED)
    body = {"body": "new"} if decide is domain.edit else {}
    when(state, decide, kind="noted", event=said, by=JANE, others=False, **body).refused(403, "another's")
    when(state, decide, kind="noted", event=said, by=None, others=False, **body).refused(403)
    when(state, decide, kind="replied", event=said, by=JOHN, others=False, **body).refused(404)
    when(state, decide, kind="noted", event=TASK, by=JOHN, others=True, **body).refused(404)
    assert when(state, decide, kind="noted", event=said, by=JANE, others=True, **body).events


def test_words_taken_back_take_their_corrections_with_them():
    state, ids = spoken(NOTED)
    state = evolve(state, event_of_fact(
        fact("edited", {"body": "b", "previous": "a"}, event=ids[0], kind="noted"), "workflow", UUID(HERE), 2))  # fmt: skip
    (event,) = when(state, domain.take_back, kind="noted", event=ids[0], by=JOHN, others=False).then("personal_erased")
    assert event.data == {"reason": "redacted", "versions": {"noted": [1], "edited": [2]}}
    after = evolve(state, event_of_fact(event, "workflow", UUID(HERE), 3))
    when(after, domain.take_back, kind="noted", event=ids[0], by=JOHN, others=False).refused(409, "taken back")
    when(after, domain.edit, kind="noted", event=ids[0], by=JOHN, others=False, body="x").refused(409, "taken back")


def test_mentions_are_ids_and_no_words():
    (event,) = given(STARTED).when(domain.note, body="@jane look", mentions=[JANE]).then("noted")
    assert event.data == {"mentions": [JANE]}


@pytest.mark.parametrize(
    ("facts", "may"),
    [([], False), ([STARTED], False), ([STARTED, RESOLVED], True), ([STARTED, RESOLVED, CLOSED], True)],
)
def test_ratings_wait_until_it_is_done(facts, may):
    outcome = given(*facts).when(domain.rate, score=4, comment="fine")
    if not may:
        outcome.refused(409, "wait until it is resolved")
        return
    (event,) = outcome.then("rated")
    assert (event.data, event.personal) == ({"score": 4, "previous": None}, {"comment": "fine"})
    again = given(*facts, event).when(domain.rate, score=1, comment=None).then("rated")
    assert again[0].data["previous"] == 4


# -- tasks and time ------------------------------------------------------------------------------------------------------


def added(**changes) -> NewEvent:
    return fact(
        "task_added", {"title": "call"}, **{"task": TASK, "agent": JOHN, "due": None, "blocks": True, **changes}
    )


def test_an_open_task_blocks_closing_until_it_is_done_or_dropped():
    given(STARTED, RESOLVED, added()).when(domain.close, message=None).refused(409, "1 open tasks block", field="tasks")
    given(STARTED, RESOLVED, added(blocks=False)).when(domain.close, message=None).then("closed")
    given(STARTED, RESOLVED, added(), fact("task_done", task=TASK)).when(domain.close, message=None).then("closed")
    given(STARTED, RESOLVED, added(), fact("task_dropped", task=TASK)).when(domain.close, message=None).then("closed")
    given(STARTED, RESOLVED, added(), fact("task_done", task=TASK), fact("task_reopened", task=TASK)).when(
        domain.close, message=None
    ).refused(409, "1 open tasks", field="tasks")


def test_a_task_s_life():
    add = {"key": TASK, "title": "call", "description": None, "agent": JOHN, "due": None, "blocks": True}
    given().when(domain.add_task, **add).then("started", "task_added")
    given(STARTED, RESOLVED, CLOSED).when(domain.add_task, **add).refused(409, "reopen it first")
    there = given(STARTED, added())
    assert there.state.tasks == {TASK: Task(agent=JOHN)}
    (changed,) = there.when(domain.change_task, key=TASK, title=None, changes={"agent": None}).then("task_changed")
    assert changed.data == {
        "task": TASK, "agent": None, "due": None, "blocks": True, "previous": {"agent": JOHN, "due": None, "blocks": True},
    }  # fmt: skip
    there.when(domain.change_task, key=TASK, title=None, changes={"agent": JOHN}).nothing()
    there.when(domain.change_task, key=TASK, title="mail", changes={}).then("task_changed")
    there.when(domain.reopen_task, key=TASK, message=None).nothing()
    done = given(STARTED, added(), fact("task_done", task=TASK))
    done.when(domain.finish_task, key=TASK, message=None).nothing()
    done.when(domain.reopen_task, key=TASK, message="no").then("task_reopened")
    given(STARTED, added(), fact("task_done", task=TASK), CLOSED).when(
        domain.reopen_task, key=TASK, message=None
    ).refused(409, "reopen it first")
    for decide, more in ((domain.change_task, {"title": "x", "changes": {}}), (domain.finish_task, {"message": None}),
                         (domain.reopen_task, {"message": None}), (domain.drop_task, {"message": None})):  # fmt: skip
        given(STARTED).when(decide, key=TASK, **more).refused(404, "no such task")


def test_time_is_logged_and_taken_off():
    (event,) = (
        given().when(domain.log_time, minutes=25, on="2026-11-24", billable=True, note="phone").then("time_logged")
    )
    assert (event.data, event.personal) == ({"minutes": 25, "on": "2026-11-24", "billable": True}, {"note": "phone"})
    state, (entry,) = spoken(event)
    assert state.minutes == {entry: 25}
    (off,) = when(state, domain.remove_time, entry=entry).then("time_removed")
    assert off.data == {"entry": entry, "minutes": 25}
    when(evolve(state, event_of_fact(off, "workflow", UUID(HERE), 2)), domain.remove_time, entry=entry).refused(
        404, "no such time"
    )


def test_watching_twice_is_once():
    given().when(domain.watch, person=JOHN).then("watched")
    watched = fact("watched", person_id=JOHN)
    given(watched).when(domain.watch, person=JOHN).nothing()
    given(watched).when(domain.unwatch, person=JOHN).then("unwatched")
    given(watched, fact("unwatched", person_id=JOHN)).when(domain.unwatch, person=JOHN).nothing()


# -- tags, links, merges ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "add", "remove", "expected"),
    [
        ([], ["new"], [], (["new"], [])),
        ([], ["vpn"], [], None),
        ([], [], ["vpn"], ([], ["vpn"])),
        ([], [], ["never"], None),
        ([], ["x", "x"], ["x"], (["x"], [])),
        ([fact("tagged", added=["a"], removed=["vpn"])], ["vpn"], ["a"], (["vpn"], ["a"])),
        ([fact("tagged", added=["a"], removed=[])], ["a"], [], None),
    ],
)
def test_tags_are_changes_of_what_was_asked(facts, add, remove, expected):
    outcome = given(*facts).when(domain.tag, add=add, remove=remove, asked=["vpn"])
    if expected is None:
        outcome.nothing()
    else:
        (event,) = outcome.then("tagged")
        assert (event.data["added"], event.data["removed"]) == expected


def test_links():
    given().when(domain.link, kind="parent", ticket=HERE, other=HERE).refused(422, "itself", field="ticket")
    linked = fact("linked", kind="parent", other=THERE)
    given(linked).when(domain.link, kind="parent", ticket=HERE, other=THERE).nothing()
    given(linked).when(domain.link, kind="related", ticket=HERE, other=THERE).then("linked")
    given(linked).when(domain.unlink, kind="parent", other=THERE).then("unlinked")
    given(linked).when(domain.unlink, kind="related", other=THERE).refused(404, "no such link")
    given(linked, fact("unlinked", kind="parent", other=THERE)).when(domain.unlink, kind="parent", other=THERE).refused(
        404
    )


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ([], "open"),
        ([STARTED], "open"),
        ([STARTED, fact("held", until=None)], "on_hold"),
        ([STARTED, RESOLVED, CLOSED], "closed"),
    ],
)
def test_what_is_unmerged_is_as_it_was(facts, status):
    events = given(*facts).when(domain.merge, ticket=HERE, into=THERE, message=None).events
    merged = given(*facts, *events)
    assert (merged.state.status, merged.state.merged_into) == ("merged", THERE)
    merged.when(domain.merge, ticket=HERE, into=THERE, message=None).nothing()
    merged.when(domain.merge, ticket=HERE, into=THIRD, message=None).refused(409, "unmerge it first")
    (event,) = merged.when(domain.unmerge, message=None).then("unmerged")
    assert event.data == {"into": THERE, "status": status}
    after = given(*facts, *events, event)
    assert (after.state.status, after.state.merged_into) == (status, None)
    after.when(domain.unmerge, message=None).refused(409, "not merged")


def test_a_merged_ticket_is_no_place_to_act():
    merged = given(STARTED, fact("merged", into=THERE, previous="open"))
    merged.when(lambda state: domain.note(domain.needs_no_merge(state), body="x")).refused(409, "merged into another")
    given().when(domain.merge, ticket=HERE, into=HERE, message=None).refused(422, "itself", field="into")
