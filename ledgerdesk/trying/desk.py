"""The desk on which past tickets are played again: rules, and what else decides with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ledgerdesk.exporting import Entries
from ledgerdesk.organisation import OrganisationFileError
from ledgerdesk.rule_entries import RuleEntry, stated
from services.routing.domain import Config


@dataclass(frozen=True, slots=True)
class TriedDesk:
    """A configuration, and who asks: addresses and organisations by person id."""

    config: Config
    entries: Entries

    def under(self, rules: Sequence[RuleEntry]) -> "TriedDesk":
        """Return the same desk under the rules of a file.

        Raises:
            OrganisationFileError: They name somebody who is not known.
        """
        ids = self.entries.ids()

        def id_of(who: str, where: str) -> str:
            if who not in ids:
                raise OrganisationFileError(f"{where}: nobody has the login or address {who!r}")
            return ids[who]

        return self.with_rules([rule | {"version": 0} for rule in stated(rules, id_of)])

    def with_rules(self, rules: Sequence[Mapping[str, Any]]) -> "TriedDesk":
        """Return the same desk under rules as they are configured: people by id."""
        return replace(self, config=replace(self.config, rules=list(rules)))


def desk_of(entries: Entries) -> TriedDesk:
    """Return the desk as it is now; everybody is there."""
    agents = [_there(agent) for agent in entries.of("agent")]
    config = Config(
        agents=agents, departments={one["key"]: one for one in entries.of("department")},
        teams={one["key"]: one for one in entries.of("team")}, topic_routes={one["topic"]: one for one in entries.of("topic_route")},
        rules=entries.of("rule"),
    )  # fmt: skip
    return TriedDesk(config, entries)


def _there(agent: Mapping[str, Any]) -> dict[str, Any]:
    return {**agent, "shifts": [], "away": [], "capacity": 0}
