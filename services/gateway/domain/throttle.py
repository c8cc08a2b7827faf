"""When guessing passwords is stopped, and for whom."""

from dataclasses import dataclass
from datetime import timedelta

WINDOW = timedelta(minutes=15)
KNOWN_FOR = timedelta(days=30)
"""So long an address is a login's own after it has signed in from there."""
MOST_OF_PAIR = 5
MOST_OF_ADDRESS = 50
MOST_OF_LOGIN = 100


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed sign-ins within the window.

    Attributes:
        pair: For this login from this address.
        address: From this address, for any login.
        login: For this login, from any address.
        known: This login has signed in from this address of late.
        shared: The address says nothing about who it is: it is this machine's, so perhaps a proxy's that nobody told us of.
    """

    pair: int = 0
    address: int = 0
    login: int = 0
    known: bool = False
    shared: bool = False


def is_stopped(failures: Failures) -> bool:
    """Whether no further guess is taken.

    Who guesses stops himself, by login and address together, not the login's owner: whoever has signed in from his address
    before is not shut out by what others do elsewhere. Many addresses guessing one login are stopped by its own limit; then its
    owner gets in from where he was before, by a link or by another door, but not from a new place.
    """
    if failures.pair >= MOST_OF_PAIR:
        return True
    if failures.known:
        return False
    return failures.login >= MOST_OF_LOGIN or (failures.address >= MOST_OF_ADDRESS and not failures.shared)
