"""What routing's routes work with."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from services.routing import domain
from shared.configuration import Entry
from shared.db import Pool
from shared.directory.people import Directory
from shared.eventstore.ledger import Ledger
from shared.service import component


@dataclass(slots=True)
class RoutingApp:
    """What routing's routes work with."""

    pool: Pool
    directory: Directory
    tickets: Ledger[domain.Handling]
    entries: Ledger[Entry]


RoutingDep = Annotated[RoutingApp, Depends(component("routing"))]
