"""The demo's organisation: `examples/org.yaml` with more agents, departments, topics, customers and requesters, in memory."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledgerdesk.client import PATIENCE, Stack, checked
from ledgerdesk.demo.hours import Shift
from ledgerdesk.organisation import (
    CustomerEntry,
    DepartmentEntry,
    OrganisationFile,
    OrganisationFileError,
    PersonEntry,
    TopicEntry,
    read,
)
from ledgerdesk.rule_entries import ActionsEntry, RuleEntry
from services.routing.domain import EVERY_TOPIC, Config
from shared.contracts.rules import RuleTest

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "org.yaml"
DISPATCH: Final = "dispatch"
"""Skill of those who look at emergencies first."""
_A_CALL: Final = 200
"""Persons registered in one call: each is a command of its own, and a call should stay well under a second or two."""

_WEEKDAYS, _TO_SATURDAY = frozenset(range(5)), frozenset(range(1, 6))
SHIFTS: Final[Mapping[str, Shift]] = {
    "john": Shift(_WEEKDAYS, 8, 17), "mia": Shift(_WEEKDAYS, 7, 15.5), "tom": Shift(_TO_SATURDAY, 9, 17.5),
    "nora": Shift(_WEEKDAYS, 10, 18.5), "jane": Shift(_WEEKDAYS, 8, 17), "omar": Shift(_TO_SATURDAY, 9, 18),
    "ivy": Shift(_WEEKDAYS, 7, 15.5), "lea": Shift(_WEEKDAYS, 8, 16.5), "raj": Shift(_WEEKDAYS, 7, 15),
    "ben": Shift(_WEEKDAYS, 9, 17.5), "sam": Shift(_WEEKDAYS, 8, 16.5), "zoe": Shift(_WEEKDAYS, 9.5, 18),
}  # fmt: skip
"""When the demo's agents work (hours of the day, UTC)."""

_AGENTS: Final = (
    ("john", "John Doe", "agent", "support", (DISPATCH,), 0),
    ("mia", "Mia Moreau", "agent", "support", (), 22),
    ("tom", "Tom Okafor", "agent", "support", (), 22),
    ("nora", "Nora Lindqvist", "lead", "support", (), 16),
    ("jane", "Jane Roe", "agent", "system-administration", ("network", "mail", "linux"), 24),
    ("omar", "Omar Haddad", "agent", "system-administration", ("network", "security", "linux"), 24),
    ("ivy", "Ivy Tran", "agent", "system-administration", ("mail", "security"), 24),
    ("lea", "Lea Lindt", "lead", "field-service", ("printers",), 14),
    ("raj", "Raj Patel", "agent", "field-service", ("printers",), 20),
    ("ben", "Ben Carver", "agent", "field-service", (), 20),
    ("sam", "Sam Kowalski", "agent", "applications", ("erp",), 24),
    ("zoe", "Zoe Fournier", "agent", "applications", ("erp",), 24),
)
_TOPICS: Final = (
    ("general", "General question", "support", ()), ("password", "Passwords and accounts", "support", ()),
    ("onboarding", "New starters and leavers", "support", ()),
    ("network", "Network and VPN", "system-administration", ("network",)),
    ("mail", "E-mail", "system-administration", ()), ("security", "Security", "system-administration", ("security",)),
    ("hardware", "Hardware", "field-service", ()), ("printing", "Printing", "field-service", ("printers",)),
    ("software", "Software", "applications", ()), ("erp", "Orders and invoices", "applications", ("erp",)),
)  # fmt: skip
_CUSTOMERS: Final = (
    ("example", "Example Company", "example.org", 30), ("alder-clinic", "Alder Clinic", "alder-clinic.example", 22),
    ("kestrel", "Kestrel Logistics", "kestrel.example", 18), ("brightwater", "Brightwater Schools", "brightwater.example", 14),
    ("oxbow", "Oxbow Press", "oxbow.example", 8), ("mapleyard", "Mapleyard Joinery", "mapleyard.example", 8),
)  # fmt: skip
_FIRST: Final = (  # noqa: SIM905 -- names are easier to read and to add to without their quotes
    "Ada Aiko Alma Amir Ana Anders Bela Bruno Carla Chidi Clara Dana Dario Dewi Elif Emil Enzo Esra Fatima Felix Femi Gita "
    "Greta Hana Hugo Ines Ingrid Ivan Jonas Kaya Kofi Laila Lars Leo Lin Luca Mara Mateo Mei Milan Nadia Nils Noor Olga Paolo "
    "Priya Rosa Said Sven Tariq Uma Vera Wim Yara Yusuf Zora"
).split()
_LAST: Final = (  # noqa: SIM905 -- same
    "Abel Adeyemi Aydin Bakker Banerjee Berg Bianchi Castro Chen Costa Dahl Demir Diaz Eder Fischer Garcia Gupta Haas Hansen "
    "Hoang Ibrahim Jansen Kaur Keller Kim Koch Larsen Lopez Maier Marino Mensah Meyer Moser Nagy Novak Nyman Okoye Olsen Park "
    "Pereira Popa Rossi Santos Sato Silva Steiner Suzuki Toth Varga Weber Yilmaz Zhang"
).split()


def demo_organisation(requesters: int = 300, seed: int = 1) -> OrganisationFile:
    """Return the example's organisation, grown to a desk of twelve agents in four departments, with customers.

    Args:
        requesters: How many people of the customers' organisations there are, 2,900 at most.
        seed: Which people.

    Raises:
        OrganisationFileError: `examples/org.yaml` is not there (the demo runs from a checkout) or cannot be used.
    """
    if not EXAMPLE.exists():
        raise OrganisationFileError(f"{EXAMPLE} is not there: run the demo from a checkout of Ledgerdesk")
    example = read(EXAMPLE)
    agents = {
        login: PersonEntry(
            login=login, name=name, email=f"{login}@ledgerdesk.example", roles=[role], departments=[department],  # type: ignore[list-item] # the roles above are among pydantic's
            skills=list(skills), capacity=capacity,
        )
        for login, name, role, department, skills, capacity in _AGENTS
    }  # fmt: skip
    others = [person for person in example.people if person.login not in agents]
    names = {d.key for d in example.departments}
    more = [DepartmentEntry(key="applications", name="Business Applications")]
    dispatch = RuleEntry(
        key="emergencies-to-dispatch", name="The dispatcher looks at emergencies first", match="any",
        tests=[RuleTest(field="priority", op="equals", value="emergency"), RuleTest(field="severity", op="equals", value="Sev-A")],
        actions=ActionsEntry(department="support", skills=[DISPATCH]),
    )  # fmt: skip
    known = {person.email for person in [*agents.values(), *others]}
    return example.model_copy(
        update={
            "departments": [*example.departments, *(d for d in more if d.key not in names)],
            "organisations": [
                CustomerEntry(key=key, name=name, domains=[domain]) for key, name, domain, _ in _CUSTOMERS
            ],
            "topics": [
                TopicEntry(key=key, name=name, department=department, skills=list(skills))
                for key, name, department, skills in _TOPICS
            ],
            "people": [*agents.values(), *others, *(r for r in _requesters(requesters, seed) if r.email not in known)],
            "rules": [*(rule for rule in example.rules if rule.key != dispatch.key), dispatch],
        }
    )  # fmt: skip


def _requesters(count: int, seed: int) -> list[PersonEntry]:
    """Return people of the customers, more of the bigger ones; the same for the same seed."""
    rng = random.Random(f"requesters|{seed}")  # noqa: S311 -- a simulation wants to be repeatable, not unguessable
    names = [(first, last) for first in _FIRST for last in _LAST]
    rng.shuffle(names)
    domains = rng.choices([c[2] for c in _CUSTOMERS], [c[3] for c in _CUSTOMERS], k=min(count, len(names)))
    return [
        PersonEntry(name=f"{first} {last}", email=f"{first}.{last}@{domain}".lower())
        for (first, last), domain in zip(names, domains, strict=False)
    ]


@dataclass(frozen=True, slots=True)
class Requester:
    """Somebody who asks."""

    person_id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Worker:
    """An agent, as the simulation needs him."""

    person_id: str
    login: str
    name: str
    lead: bool
    departments: Sequence[str]
    skills: Sequence[str]
    capacity: int
    shift: Shift


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in the quarter, with the ids the directory gave them, and how tickets are routed."""

    workers: Sequence[Worker]
    requesters: Sequence[Requester]
    topics: Sequence[str]
    config: Config


def cast(file: OrganisationFile, ids: Mapping[str, str], scale: float = 1.0) -> Cast:
    """Return the people of an organisation as the simulation needs them.

    Args:
        file: The organisation.
        ids: E-mail address -> person id.
        scale: How many times the tickets that these agents were hired for; their capacity grows with it.
    """
    workers = [
        Worker(
            ids[p.email], p.login, p.name or p.login, "lead" in p.roles, tuple(p.departments), tuple(p.skills),
            round(p.capacity * scale), SHIFTS[p.login],
        )
        for p in file.people
        if p.login is not None and p.login in SHIFTS
    ]  # fmt: skip
    requesters = [
        Requester(ids[p.email], p.email, p.name or p.email) for p in file.people if "@ledgerdesk." not in p.email
    ]
    agents = [
        {
            "person_id": w.person_id,
            "departments": w.departments,
            "skills": w.skills,
            "capacity": w.capacity,
            "active": True,
        }
        for w in workers
    ]
    routes: dict[str, Mapping[str, Any]] = {
        t.key: {"department": t.department, "skills": t.skills} for t in file.topics
    }
    routes[EVERY_TOPIC] = {"department": file.default_department, "skills": []}
    rules = [{**rule.model_dump(), "order": order, "version": 1} for order, rule in enumerate(file.rules, 1)]
    config = Config(agents, {d.key: d.model_dump() for d in file.departments}, {}, routes, rules)
    return Cast(workers, requesters, [t.key for t in file.topics], config)


def person_ids(stack: Stack, file: OrganisationFile) -> dict[str, str]:
    """Return the person id of everybody in the file, registering who is not known yet.

    Raises:
        RuntimeError: The stack refused it.
    """
    ids: dict[str, str] = {}
    people = [{"email": p.email, "name": p.name} for p in file.people]
    with stack.client(patience=PATIENCE) as client:
        for begin in range(0, len(people), _A_CALL):
            body = {"people": people[begin : begin + _A_CALL]}
            ids.update(checked(client.put("/internal/intake/organisation", json=body))["people"])
    return ids
