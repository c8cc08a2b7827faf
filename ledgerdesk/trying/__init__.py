"""`ledgerdesk rules try`: what past tickets would have got under other rules. Nothing is changed.

A ticket's history is played again, without what rules did to it (`history`), and rules are asked wherever they are asked live; what
they want is done by the deciders that do it live (`simulation`). What people did stays as it was, whatever rules would have
done before it. Departments, topics and people are as they are now, and everybody has nothing to do: what differs is the rules' doing.
"""

from ledgerdesk.trying.compared import Outcome, Tried, try_rules
from ledgerdesk.trying.desk import TriedDesk, desk_of
from ledgerdesk.trying.history import History, histories
from ledgerdesk.trying.simulation import Fired, Played, play

__all__ = [
    "Fired", "History", "Outcome", "Played", "Tried", "TriedDesk", "desk_of", "histories", "play", "try_rules",
]  # fmt: skip
