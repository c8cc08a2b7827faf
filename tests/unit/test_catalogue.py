"""What may be written: known types, by their owner, with the payload their schema names."""

import pytest

from shared.contracts.catalogue import CATALOGUE, EVERY, OWNERS, PayloadError, check, spec_of
from shared.contracts.event import NewEvent
from shared.contracts.topic_names import PARTITIONS
from shared.testing.events import created

PERSON = "00000000-0000-0000-0000-000000000007"


def refused(event: NewEvent, owner: str) -> tuple[str, str]:
    with pytest.raises(PayloadError) as caught:
        check(event, owner)
    first = caught.value.errors[0]
    return ".".join(map(str, first["loc"])), str(first["msg"])


def test_every_type_has_one_owner_and_a_topic_that_exists():
    assert {spec.owner for spec in CATALOGUE.values()} == {*OWNERS, EVERY}
    for name, spec in CATALOGUE.items():
        assert name == spec.type
        assert name.startswith("ledgerdesk.")
        assert spec.topic is None or spec.topic in PARTITIONS
        assert spec.schema_version >= 1
    assert PARTITIONS["ledgerdesk.tickets"] == 12, "changing the count breaks the order of every ticket"
    assert spec_of("ledgerdesk.credential.password_set").topic is None, "password hashes go to no topic"


def test_a_good_event_passes():
    assert check(created(), "intake").type == "ledgerdesk.ticket.created"


def test_an_unknown_type_is_refused():
    assert refused(NewEvent("ledgerdesk.ticket.exploded", {}), "intake") == ("type", "unknown event type")


def test_another_owner_s_type_is_refused():
    assert refused(created(), "routing") == ("type", "belongs to intake, not to routing")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"number": 5}, "data.number"),
        ({"number": ""}, "data.number"),
        ({"person_id": "ken"}, "data.person_id"),
        ({"priority": "urgent"}, "data.priority"),
        ({"tags": ["a", ""]}, "data.tags.1"),
        ({"tags": "vpn"}, "data.tags"),
        ({"surprise": 1}, "data.surprise"),
        ({"origin": {"log": "x", "case": "1", "row": "1", "activity": "a"}}, "data.origin.row"),
    ],
)
def test_bad_data_is_refused_with_its_place(change, where):
    good = created()
    assert refused(NewEvent(good.type, {**good.data, **change}, good.personal), "intake")[0] == where


def test_missing_fields_are_named():
    assert refused(NewEvent("ledgerdesk.ticket.created", {}, created().personal), "intake")[0] == "data.number"
    good = created()
    assert refused(NewEvent(good.type, good.data, {"subject": "s", "body": "b"}), "intake")[0] == "personal.requester"


def test_a_personal_part_only_where_the_schema_has_one():
    where, reason = refused(NewEvent("ledgerdesk.ticket.started", {}, {"name": "Ken"}), "workflow")
    assert (where, reason) == ("personal", "this event has no personal part")


@pytest.mark.parametrize("text", ["a\x00b"])
def test_what_the_database_cannot_hold_is_refused(text):
    good = created()
    where, reason = refused(NewEvent(good.type, good.data, {**good.personal, "body": text}), "intake")
    assert where == "personal.body"
    assert "NUL" in reason


def test_addresses_are_compared_in_lower_case():
    model = spec_of("ledgerdesk.person.registered").personal
    assert model is not None
    assert model.model_validate({"email": " Ken@Example.ORG "}).model_dump()["email"] == "ken@example.org"
    for bad in ("ken", "@example.org", "ken@", "a b@example.org", "a@b@c", "ken@exa\nmple.org"):
        assert refused(NewEvent("ledgerdesk.person.registered", {}, {"email": bad}), "intake")[0] == "personal.email"
