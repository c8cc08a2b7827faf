"""Who handles a ticket. Pure: the configuration, the agents' load and the moment are arguments.

What people decide (`people`), what rules hold (`rules`), who is chosen (`choice`), and what that makes of a ticket (`routes`). The
same arguments give the same decision, with its reasons in the event.
"""

from services.routing.domain.choice import Moment, absence, weigh, whereabouts
from services.routing.domain.configuring import configure
from services.routing.domain.people import answered, assign, claim, refer, release, transfer, withdraw
from services.routing.domain.routes import handle, reassign, route, take_up, taken_up_again
from services.routing.domain.rules import matching_rules
from services.routing.domain.state import (
    ASSIGNED,
    QUEUED,
    REFERRED,
    Config,
    Handling,
    NewTicket,
    evolve,
    new_ticket,
)
from shared.contracts.directory import EVERY_TOPIC

__all__ = [
    "ASSIGNED", "EVERY_TOPIC", "QUEUED", "REFERRED", "Config", "Handling", "Moment", "NewTicket", "absence", "answered", "assign",
    "claim", "configure", "evolve", "handle", "matching_rules", "new_ticket", "reassign", "refer", "release", "route", "take_up", "taken_up_again",
    "transfer", "weigh", "whereabouts", "withdraw",
]  # fmt: skip
