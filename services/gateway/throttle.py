"""Failed sign-ins, by keyed digests of what was tried and from where; see `domain.throttle` for what follows from them."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from services.gateway.domain.throttle import KNOWN_FOR, WINDOW, Failures, is_stopped
from shared.contracts.canonical import keyed_digest
from shared.db import Pool
from shared.http.problems import Problem

_IPV6_CUSTOMER = 64
"""Bits of an IPv6 address that one customer has: the others are his to change."""


def place_of(address: str | None) -> tuple[str, bool]:
    """Return where an address is, as far as one guesser has it for himself, and whether it says nothing (this machine's own)."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown", True
    if isinstance(known, IPv6Address):
        known = known.ipv4_mapped or known
    if isinstance(known, IPv6Address) and not known.is_loopback:
        return str(ip_network((known, _IPV6_CUSTOMER), strict=False)), False
    return str(known), known.is_loopback


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: digests of the login and of the place."""

    who: str
    place: str
    shared: bool


class Throttle:
    """Counts failures."""

    def __init__(self, pool: Pool, key: bytes) -> None:
        self._pool = pool
        self._key = key

    def attempt(self, what: str, address: str | None) -> Attempt:
        """Return the attempt to sign in as `what` (a login; `code|person` for the second step) from an address."""
        place, shared = place_of(address)
        return Attempt(keyed_digest(self._key, what.lower()), keyed_digest(self._key, f"place|{place}"), shared)

    async def begin(self, attempt: Attempt) -> None:
        """Let an attempt through. It counts as a failure until it has succeeded: many at once are as many as one after the other.

        Raises:
            Problem: 429, too many failures of late.
        """
        mine = await self._pool.fetchval(
            "INSERT INTO sign_in_failure (who, place) VALUES ($1, $2) RETURNING id", attempt.who, attempt.place
        )
        row = await self._pool.fetchrow(
            """
            SELECT count(*) FILTER (WHERE who = $1 AND place = $2) AS pair, count(*) FILTER (WHERE place = $2) AS address,
                   count(*) FILTER (WHERE who = $1) AS login,
                   EXISTS (SELECT FROM sign_in_place WHERE who = $1 AND place = $2 AND seen_at > now() - $4::interval) AS known
            FROM sign_in_failure WHERE (who = $1 OR place = $2) AND failed_at > now() - $3::interval AND id <> $5
            """,
            attempt.who, attempt.place, WINDOW, KNOWN_FOR, mine,
        )  # fmt: skip
        if row is not None and is_stopped(Failures(**dict(row), shared=attempt.shared)):
            await self._pool.execute("DELETE FROM sign_in_failure WHERE id = $1", mine)  # or waiting would never end
            seconds = int(WINDOW.total_seconds())
            raise Problem(
                429,
                f"Too many failed attempts: try again in {seconds // 60} minutes.",
                headers={"Retry-After": str(seconds)},
            )

    async def succeeded(self, attempt: Attempt) -> None:
        """Forget this pair's failures, and remember that the login is at home there."""
        await self._pool.execute(
            "DELETE FROM sign_in_failure WHERE who = $1 AND place = $2", attempt.who, attempt.place
        )
        await self._pool.execute(
            "INSERT INTO sign_in_place (who, place) VALUES ($1, $2) ON CONFLICT (who, place) DO UPDATE SET seen_at = now()",
            attempt.who, attempt.place,
        )  # fmt: skip

    async def sweep(self) -> None:
        """Forget what is old."""
        await self._pool.execute("DELETE FROM sign_in_failure WHERE failed_at < now() - interval '1 day'")
        await self._pool.execute("DELETE FROM sign_in_place WHERE seen_at < now() - $1::interval", KNOWN_FOR)
