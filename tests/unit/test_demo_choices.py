"""The demo's own decisions: which quarter, which password, which organisation."""

from datetime import UTC, datetime

import pytest

from ledgerdesk.demo.load import LoadError, remember, requesters_for
from ledgerdesk.demo.org import DISPATCH, SHIFTS, cast, demo_organisation
from ledgerdesk.demo.run import password_for, quarter_of
from ledgerdesk.demo.simulation import Quarter
from ledgerdesk.organisation import read
from services.routing.domain import Handling, NewTicket, route

DAY = datetime(2026, 3, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def embedded(monkeypatch):
    for name in ("LEDGERDESK_URL", "LEDGERDESK_DEMO_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_a_quarter_that_is_there_is_meant_on_any_later_day(tmp_path):
    remember(tmp_path, Quarter(1, 250, DAY))
    remember(tmp_path, Quarter(2, 9000, DAY))
    assert quarter_of(tmp_path, 1, None, None) == Quarter(1, 250, DAY)
    assert quarter_of(tmp_path, 2, 9000, DAY) == Quarter(2, 9000, DAY)


def test_a_new_quarter_ends_with_the_last_midnight(tmp_path):
    quarter = quarter_of(tmp_path, 3, 10, None)
    now = datetime.now(UTC)
    assert (quarter.seed, quarter.tickets) == (3, 10)
    assert 0 <= (now - quarter.end).total_seconds() < 86_400
    assert (quarter.end - quarter.begin).days == 91


@pytest.mark.parametrize(("tickets", "end"), [(251, None), (None, datetime(2026, 3, 31, tzinfo=UTC))])
def test_another_quarter_of_the_same_seed_is_refused(tmp_path, tickets, end):
    remember(tmp_path, Quarter(1, 250, DAY))
    with pytest.raises(LoadError, match=r"250 tickets up to 2026-03-30.*another --seed"):
        quarter_of(tmp_path, 1, tickets, end)


def test_a_password_is_made_once_and_kept_for_us_alone(tmp_path):
    password, new = password_for(tmp_path)
    assert new
    assert len(password) >= 16
    assert (tmp_path / "demo.password").stat().st_mode & 0o777 == 0o600
    assert password_for(tmp_path) == (password, False)


def test_a_password_that_is_given_is_taken_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("LEDGERDESK_DEMO_PASSWORD", "as you like it")
    assert password_for(tmp_path) == ("as you like it", False)
    assert not list(tmp_path.iterdir())


def test_the_organisation_extends_the_example():
    from ledgerdesk.demo.org import EXAMPLE

    example, ours = read(EXAMPLE), demo_organisation(200)
    for part in ("departments", "topics", "organisations", "rules", "teams"):
        assert {entry.key for entry in getattr(example, part)} <= {entry.key for entry in getattr(ours, part)}
    people = {person.email: person for person in ours.people}
    for person in example.people:
        assert set(person.roles) <= set(people[person.email].roles)
        assert set(person.departments) <= set(people[person.email].departments)
    assert len(people) == len(ours.people)
    assert sum(login in SHIFTS for login in (person.login for person in ours.people)) == 12


def test_the_same_seed_gives_the_same_people():
    assert demo_organisation(50) == demo_organisation(50)
    assert demo_organisation(50, seed=2) != demo_organisation(50)


def test_more_tickets_come_from_more_people():
    assert (requesters_for(10), requesters_for(6000), requesters_for(1_000_000)) == (40, 300, 2500)


def test_an_emergency_goes_to_john_however_much_he_has():
    file = demo_organisation(40)
    people = cast(file, {person.email: person.email for person in file.people})
    john = next(worker for worker in people.workers if worker.login == "john")
    assert DISPATCH in john.skills
    ticket = NewTicket("Nobody here can send mail", "", None, "emergency", None, "api", "ken@example.org")
    decided = route(Handling(), ticket, people.config, {john.person_id: 500})
    assert [event.data.get("agent") for event in decided if event.type.endswith(".assigned")] == [john.person_id]
