"""A simulated quarter in the stores of a fresh database: what projectors, rebuilds and pages are measured on."""

from collections.abc import Iterator
from uuid import uuid5

from ledgerdesk.demo import direct
from ledgerdesk.demo.desk import LOG, NOBODY
from ledgerdesk.demo.load import requesters_for
from ledgerdesk.demo.org import cast, demo_organisation
from ledgerdesk.demo.simulation import Quarter, facts, last_midnight
from ledgerdesk.importer.facts import Stated


def quarter(tickets: int, *, live: bool) -> Iterator[Stated]:
    """Yield a quarter's facts.

    Args:
        tickets: How many.
        live: Without their origin, as if they had happened here: views, inboxes and the live stream's feed get them all.
    """
    file = demo_organisation(requesters_for(tickets))
    ids = {person.email: str(uuid5(NOBODY, person.email)) for person in file.people}
    wanted = Quarter(1, tickets, last_midnight())
    for one in facts(wanted, cast(file, ids, wanted.scale)):
        if live:
            one.fact["data"] = {name: value for name, value in one.fact["data"].items() if name != "origin"}
        yield one


async def fill(dsn: str, tickets: int, *, live: bool) -> int:
    """Write a quarter into migrated, empty stores; returns the number of events. The relays are past them."""
    return await direct.write(dsn, LOG, quarter(tickets, live=live))
