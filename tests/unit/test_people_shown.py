"""People in an event's data, as the desk sees them: by login, wherever an agent is named, and nowhere else."""

from uuid import UUID

from shared.directory.people import Person
from shared.directory.shown import ids_in, with_logins

JANE, TOM, GONE = (f"00000000-0000-0000-0000-00000000000{n}" for n in range(3))
PEOPLE = {
    UUID(JANE): Person(UUID(JANE), None, "Jane", "jane", None, None),
    UUID(TOM): Person(UUID(TOM), "tom@x.example", "Tom", None, None, None),
}
DATA = {
    "agent": JANE, "mentions": [TOM, GONE], "notify": [JANE], "watch": [TOM], "previous": {"agent": TOM},
    "fields": {"agent": "007", "mentions": ["nobody"]}, "ticket": JANE, "candidates": [{"agent": JANE, "score": 1}],
}  # fmt: skip


def test_who_is_named():
    assert sorted(map(str, ids_in(DATA))) == sorted([JANE, TOM, GONE, JANE, TOM, TOM, JANE])


def test_agents_by_login_else_address_else_id():
    assert with_logins(DATA, PEOPLE) == DATA | {
        "agent": "jane", "mentions": ["tom@x.example", GONE], "notify": ["jane"], "watch": ["tom@x.example"],
        "previous": {"agent": "tom@x.example"}, "candidates": [{"agent": "jane", "score": 1}],
    }  # fmt: skip
