"""What a name means: a service's views, or one of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledgerdesk.verify import models_of
from shared.projection.model import AnyModel
from shared.settings import SERVICES


class UnknownViewError(ValueError):
    """There is no such service or view; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Views of one service that are rebuilt together."""

    service: str
    models: Sequence[AnyModel]

    @property
    def consumer(self) -> str:
        """The name of the projection's checkpoints."""
        return f"{self.service}.views"

    @property
    def whole(self) -> bool:
        """Whether these are all views of the service."""
        return len(self.models) == len(models_of(self.service))

    @property
    def topics(self) -> frozenset[str]:
        """The topics whose events they want."""
        return frozenset(topic for model in self.models for topic in model.topics)

    @property
    def tables(self) -> list[str]:
        """The tables that are made anew."""
        return [table for model in self.models for table in model.tables]

    @property
    def effects(self) -> list[str]:
        """Tables that the views write to when something happens: what a rebuild writes there is thrown away."""
        return sorted({table for model in self.models for table in model.effects})


def names() -> list[str]:
    """Return every name that can be rebuilt."""
    return [*SERVICES, *(label(service, model) for service in SERVICES for model in models_of(service))]


def label(service: str, model: AnyModel) -> str:
    """Return a view's whole name: a service's own has it in its name, its copy of the directory has not."""
    return model.name if model.name.startswith(f"{service}.") else f"{service}.{model.name}"


def plan_of(name: str) -> Plan:
    """Return what to rebuild.

    Raises:
        UnknownViewError: No such name.
    """
    if name in SERVICES:
        return Plan(name, models_of(name))
    for service in SERVICES:
        chosen = [model for model in models_of(service) if label(service, model) == name]
        if chosen:
            return Plan(service, chosen)
    raise UnknownViewError(f"there is no view {name!r}; there are all, {', '.join(names())}")
