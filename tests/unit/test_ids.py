"""Derived ids name the same thing for ever; random ones never."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.ids import derived, directory_id, event_ids, first_event_id, new_secret, random_id, unique


def test_derived_ids_never_change():
    assert derived("a", 1) == UUID("d34ae3d3-90c0-51ae-a72c-935ba94de84b")
    assert derived("a", 1) == derived("a|1") == derived("a", "1")
    assert directory_id("department", "support") == UUID("56ae8a41-e5a4-5ea8-b818-3d046e2d1481")
    assert event_ids(UUID(int=1), 2) == [
        UUID("6ff55b57-2b5f-5022-ad8b-524631694aa1"),
        UUID("c6ae59cd-4100-5d14-850d-f8202b722a98"),
    ]


@given(st.uuids(), st.integers(1, 20))
def test_events_of_a_command_have_ids_of_their_own(command_id, count):
    ids = event_ids(command_id, count)
    assert len(set(ids)) == count
    assert ids[0] == first_event_id(command_id)
    assert ids == event_ids(command_id, count + 3)[:count]


@given(st.uuids(), st.uuids())
def test_two_commands_share_no_event(one, other):
    if one != other:
        assert not set(event_ids(one, 5)) & set(event_ids(other, 5))


def test_random_ids_and_secrets_differ():
    assert len({random_id() for _ in range(100)}) == 100
    secret = new_secret("ldk")
    assert secret.startswith("ldk_")
    assert len(secret) > 40
    assert secret != new_secret("ldk")


@given(st.lists(st.sampled_from([UUID(int=n) for n in range(5)])))
def test_unique_keeps_the_first_order(values):
    assert unique(values) == sorted(set(values), key=values.index)
