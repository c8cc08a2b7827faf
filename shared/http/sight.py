"""Which tickets somebody of the desk sees: all, those of his departments, or his own. One rule, for a row and for a list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from shared.projection.access import department_of

Scope = Literal["all", "departments", "own"]


@dataclass(frozen=True, slots=True)
class Sight:
    """What an agent sees.

    Attributes:
        scope: `all`; `departments`: what is in them (and in those within them), with his teams, or with him; `own`: with him.
        agent: His person id.
        departments: Of which he sees every ticket: his, by that scope; and those in which his role has `ticket.see_all`.
        teams: His.
    """

    scope: Scope = "all"
    agent: str | None = None
    departments: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        """Whether nothing is hidden."""
        return self.scope == "all"

    def covers(self, access: Mapping[str, Any]) -> bool:
        """Whether he sees a ticket with this access."""
        if self.whole or (self.agent is not None and access.get("agent") == self.agent):
            return True
        if any(self._is_me(one) for one in access.get("referrals") or ()):
            return True
        if department_of(access) in self.departments:
            return True
        return self.scope == "departments" and access.get("team") in self.teams

    def _is_me(self, referral: Mapping[str, Any]) -> bool:
        """Whether a ticket was referred to him, his team, or a department of which he sees all."""
        return (
            (self.agent is not None and referral.get("agent") == self.agent)
            or referral.get("team") in self.teams
            or referral.get("department") in self.departments
        )

    def condition(self, parameter: Callable[[Any], str]) -> str:
        """Return the same as SQL on workflow's rows; `parameter` takes a value and names its place."""
        if self.whole:
            return "true"
        me = UUID(self.agent) if self.agent else None
        referrals = [{"agent": self.agent}, *({"team": team} for team in sorted(self.teams))]
        allowed = [f"agent = {parameter(me)}"]
        if self.departments:
            referrals += [{"department": department} for department in sorted(self.departments)]
            allowed.append(f"department = ANY ({parameter(sorted(self.departments))})")
        if self.scope == "departments":
            allowed.append(f"team = ANY ({parameter(sorted(self.teams))})")
        allowed += [f"referrals @> {parameter([one])}::jsonb" for one in referrals]
        return " OR ".join(allowed)


ALL = Sight()


def with_those_within(departments: frozenset[str], entries: list[dict[str, Any]]) -> frozenset[str]:
    """Return departments with all that are within them, however deep."""
    found = set(departments)
    while more := {e["key"] for e in entries if e.get("parent") in found} - found:
        found |= more
    return frozenset(found)
