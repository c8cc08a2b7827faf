"""Passwords: hashed, checked in equal time, and not too easy to guess."""

import asyncio
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST_SCORE = 3
"""Of zxcvbn's 0 to 4: more than 10^8 guesses. The throttle lets some ten thousand a day through, from everywhere together."""
LOOKED_AT = 72
"""Characters that are looked at: what is longer is not guessed, and looking takes longer the more there are."""
DECOY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b+dWRWJTmaaobyEPk5h9xq3LXs"
"""A hash that no password has, of the cost of all others: to try it takes as long."""
_LEAST_WORD = 3


class Passwords:
    """Argon2 in a thread: it takes its time on purpose."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, digest: str | None, password: str) -> bool:
        """Whether this is the password. Takes as long where there is none: a hash of the same cost is tried."""
        try:
            return await asyncio.to_thread(self._hasher.verify, digest or DECOY, password) and digest is not None
        except (VerificationError, InvalidHashError):
            return False

    async def weakness(self, password: str, words: Iterable[str | None]) -> str | None:
        """Return why a password is too easy to guess, and what would be better; None, if it is not. `words` are what everybody knows of its owner."""
        return await asyncio.to_thread(_weakness, password, [word for word in words if word])


def _weakness(password: str, words: list[str]) -> str | None:
    from zxcvbn import zxcvbn  # its tables take some 10 MB: only a process that sets passwords has them

    known = {part for word in words for part in (word, *word.replace("@", " ").replace(".", " ").split())}
    if any(password.lower() == word.lower() for word in known):
        return "must not be your login, name or address"
    found = zxcvbn(password[:LOOKED_AT], user_inputs=["ledgerdesk", *(w for w in known if len(w) >= _LEAST_WORD)])
    if found["score"] >= LEAST_SCORE:
        return None
    warning = found["feedback"]["warning"].rstrip(".")
    return f"is too easy to guess{f' ({warning[:1].lower()}{warning[1:]})' if warning else ''}: take several unrelated words"
