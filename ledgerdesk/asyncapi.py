"""The events as an AsyncAPI 3 document: what other systems may subscribe to, and what they may send."""

from typing import Any, Union

from faststream.kafka import KafkaBroker
from faststream.specification import AsyncAPI
from pydantic import BaseModel, create_model

from services.intake.api import NewTicket
from shared.contracts.catalogue import CATALOGUE, EventSpec
from shared.contracts.topic_names import DIRECTORY, INGRESS, TICKETS


class ActorShown(BaseModel):
    """Who did it."""

    kind: str
    id: str


class ViaShown(BaseModel):
    """The door it came through."""

    kind: str
    id: str


def message_of(spec: EventSpec) -> type[BaseModel]:
    """Return the schema of a record's value for one event type and version."""
    name = "".join(part.title() for part in spec.type.removeprefix("ledgerdesk.").replace("_", ".").split("."))
    personal: Any = (spec.personal | None) if spec.personal is not None else None
    return create_model(
        f"{name}V{spec.schema_version}", __doc__=f"{spec.type}, schema version {spec.schema_version}; owner: {spec.owner}",
        actor=(ActorShown, ...), via=(ViaShown, ...), data=(spec.data, ...), personal=(personal, None),
    )  # fmt: skip


def document() -> dict[str, Any]:
    """Return the AsyncAPI document. The identity topic is for our own services and is left out."""
    broker = KafkaBroker("localhost:9092")
    for topic, text in (
        (TICKETS, "Every event of every ticket, keyed by ticket id: in order per ticket and owner, at least once."),
        (DIRECTORY, "People, configuration and the knowledge base, in order per entry and owner."),
    ):
        specs = [spec for spec in CATALOGUE.values() if spec.topic == topic]
        broker.publisher(
            topic, title=topic, description=text + " CloudEvents 1.0 in binary mode: see docs/events.md.",
            schema=Union[tuple(message_of(spec) for spec in specs)],  # noqa: UP007 -- made of a list
        )  # fmt: skip

    @broker.subscriber(
        INGRESS, title=INGRESS,
        description="Send a CloudEvent here and it becomes a ticket, once per (source, id). See docs/events.md.",
    )  # fmt: skip
    async def ingress(body: NewTicket) -> None:
        del body

    specification = AsyncAPI(broker, title="Ledgerdesk", version="0.1.0", schema_version="3.0.0")
    found: dict[str, Any] = specification.to_specification().to_jsonable()
    return found
