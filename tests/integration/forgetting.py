"""A desk from which Wanda is forgotten, with what can come between the steps."""

from uuid import UUID

from ledgerdesk.verify import verify
from services.intake.forgetting import Forgetting
from services.knowledge.reactions import forgetting as forgetting_of_ratings
from services.workflow.forgetting import Forgetting as WorkflowForgetting
from services.workflow.views import WORDED
from shared import db
from shared.contracts.event import NewEvent
from shared.contracts.ids import random_id
from shared.contracts.topic_names import DIRECTORY
from shared.eventstore.eraser import Eraser
from shared.eventstore.ledger import Context
from shared.forgetting import TicketForgetting
from shared.settings import SERVICES
from shared.testing.events import DOOR, SYSTEM, created
from tests.integration import desk as desks

WANDA, OTHER = UUID(int=77), UUID(int=78)
REGISTERED = NewEvent(
    "ledgerdesk.person.registered", {"organisation": None}, {"email": "wanda@example.org", "name": "Wanda"}
)
NOTED = NewEvent("ledgerdesk.ticket.noted", {}, {"body": "Wanda called"})
STARTED = NewEvent("ledgerdesk.ticket.started", {})


class Desk(desks.Desk):
    """A desk from which Wanda is forgotten."""

    def __init__(self, dsn: str, pools: dict[str, db.Pool]) -> None:
        super().__init__(dsn, pools)
        self.forgetting = Forgetting(pools["intake"], self.eraser("intake"))
        self.workflow = WorkflowForgetting(pools["workflow"], self.eraser("workflow"))
        self.ratings = forgetting_of_ratings(pools["knowledge"], self.eraser("knowledge"))

    def eraser(self, owner: str) -> Eraser:
        return Eraser(self.stores[owner], self.appenders[owner])

    @property
    def handlers(self) -> dict[tuple[str, str], desks.Handler]:
        return {
            ("intake", "forgotten"): self.forgetting.on_forgotten, ("intake", "created"): self.forgetting.on_late,
            ("intake", "message_received"): self.forgetting.on_late,
            ("routing", "personal_erased"): TicketForgetting("routing", self.eraser("routing")).on_personal_erased,
            ("workflow", "forgotten"): self.workflow.on_forgotten, ("workflow", "saved"): self.workflow.on_late_save,
            ("workflow", "personal_erased"): self.workflow.on_personal_erased,
            **{("workflow", name): self.workflow.on_late_words for name in WORDED},
            ("knowledge", "forgotten"): self.ratings.on_forgotten, ("knowledge", "rated"): self.ratings.on_late,
            ("knowledge", "personal_erased"): self.ratings.on_personal_erased,
        }  # fmt: skip

    async def forget(self) -> None:
        await self.forgetting.forget(WANDA, "asked", Context(random_id(), SYSTEM, DOOR))
        await self.told("intake", WANDA, DIRECTORY, after=1)

    async def left(self) -> list[str]:
        """Return the tables in which she is still named."""
        found = []
        connection = await db.connect(self.dsn, "verify")
        for service in SERVICES:
            tables = await connection.fetch(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = $1", service
            )
            for (table,) in tables:
                count = await connection.fetchval(
                    f"SELECT count(*) FROM \"{service}\".{table} t WHERE t::text ILIKE '%wanda%'"
                )
                found += [f"{service}.{table}"] * bool(count)
        await connection.close()
        return found


def opened(person: UUID) -> NewEvent:
    fact = created(person_id=str(person))
    return NewEvent(
        fact.type, fact.data, {**fact.personal, "requester": {"email": "wanda@example.org", "name": "Wanda"}}
    )


async def differences(desk: Desk) -> list[str]:
    verdict = await verify(desk.dsn, wait=0)
    return verdict.differences
