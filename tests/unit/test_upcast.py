"""Old events are read in today's shape; newer ones than this program knows are never guessed."""

from dataclasses import replace
from uuid import UUID

import pytest

from shared.contracts import upcast as module
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.event import NewerSchemaError, NewEvent
from shared.contracts.upcast import upcast
from shared.testing.events import created, event_of_fact

CREATED = "ledgerdesk.ticket.created"


def test_a_current_event_stays_as_it_is():
    event = event_of_fact(created(), "intake", UUID(int=1), 1)
    assert upcast(event) is event


def test_an_unknown_type_stays_as_it_is():
    event = event_of_fact(
        NewEvent("ledgerdesk.ticket.teleported", {"x": 1}), "intake", UUID(int=1), 1, schema_version=9
    )
    assert upcast(event) is event


def test_a_newer_schema_is_refused_with_the_remedy():
    event = event_of_fact(created(), "intake", UUID(int=1), 1, schema_version=2)
    with pytest.raises(
        NewerSchemaError, match=r"schema version 2; this program knows up to 1: upgrade it, then .*parked"
    ):
        upcast(event)


@pytest.fixture
def third_version(monkeypatch):
    """`created` as it would be after two changes of its schema: `channel` renamed to `door`, then `door` an object."""

    def renamed(data, personal):
        data = dict(data)
        data["door"] = data.pop("channel")
        return data, personal

    def widened(data, personal):
        return {**data, "door": {"kind": data["door"]}}, {**(personal or {}), "language": None}

    monkeypatch.setitem(CATALOGUE, CREATED, replace(CATALOGUE[CREATED], schema_version=3))
    monkeypatch.setitem(module.UPCASTS, (CREATED, 1), renamed)
    monkeypatch.setitem(module.UPCASTS, (CREATED, 2), widened)


@pytest.mark.usefixtures("third_version")
def test_two_steps_are_taken_one_after_the_other():
    old = event_of_fact(created(), "intake", UUID(int=1), 1, schema_version=1)
    new = upcast(old)
    assert new.schema_version == 3
    assert new.data["door"] == {"kind": "api"}
    assert "channel" not in new.data
    assert new.personal is not None
    assert new.personal["language"] is None
    assert old.data["channel"] == "api", "the event itself is not touched"
    assert replace(new, data=old.data, personal=old.personal, schema_version=1) == old


@pytest.mark.usefixtures("third_version")
def test_a_later_event_takes_only_the_last_step():
    fact = created()
    data = {**{k: v for k, v in fact.data.items() if k != "channel"}, "door": "mail"}
    event = event_of_fact(NewEvent(fact.type, data, fact.personal), "intake", UUID(int=1), 1, schema_version=2)
    assert upcast(event).data["door"] == {"kind": "mail"}


@pytest.mark.usefixtures("third_version")
def test_still_newer_than_that_is_refused():
    with pytest.raises(NewerSchemaError):
        upcast(event_of_fact(created(), "intake", UUID(int=1), 1, schema_version=4))


def test_every_past_version_has_its_step():
    for spec in CATALOGUE.values():
        for version in range(1, spec.schema_version):
            assert (spec.type, version) in module.UPCASTS, f"{spec.type}: no upcast from version {version}"
