"""How many tickets stand in each queue."""

from uuid import UUID

from pydantic import BaseModel, Field

from services.workflow.ticket_list import ANSWERED, teams_of, visible_parts
from shared.db import Pool, Values
from shared.directory.people import Directory
from shared.http.caller import Caller

MOST = 10_000
"""What is done is counted up to here: who has more does not look for the last of them in a queue."""
NOBODY = UUID(int=0)


class QueueCounts(BaseModel):
    """Tickets of each queue that the caller may see."""

    open: int = Field(description="new, open or on hold")
    mine: int = Field(description="of these, mine")
    unassigned: int = Field(description="of these, nobody's")
    my_teams: int = Field(description="of these, my teams'")
    on_hold: int
    answered: int = Field(description="of these, those where the desk spoke last")
    overdue: int = Field(description="of these, those of which a promise was due")
    resolved: int = Field(description=f"{MOST}: that many or more")
    closed: int = Field(description=f"{MOST}: that many or more")


_WORK = """
SELECT count(*) AS open, count(*) FILTER (WHERE agent = $1) AS mine, count(*) FILTER (WHERE agent IS NULL) AS unassigned,
       count(*) FILTER (WHERE team = ANY ($2)) AS my_teams,
       count(*) FILTER (WHERE status = 'on_hold') AS on_hold, count(*) FILTER (WHERE due_at < now()) AS overdue,
       count(*) FILTER (WHERE {answered}) AS answered
FROM ticket WHERE number IS NOT NULL AND status IN ('new', 'open', 'on_hold'){of_caller}
"""
_DONE = "(SELECT count(*) FROM (SELECT FROM ticket WHERE number IS NOT NULL AND status = '{status}' AND {seen} LIMIT {most}) t)"


async def count_queues(pool: Pool, directory: Directory, caller: Caller) -> QueueCounts:
    """Count the queues of somebody. Costs what is being worked on, not what has ever been; a requester's, his own tickets."""
    values = Values(caller.person_id or NOBODY, await teams_of(directory, caller))
    own, *others = visible_parts(caller, values)
    of_caller = "" if caller.sees_all else f" AND ({' OR '.join([own, *others])})"
    # Somebody's own are counted from an index alone, apart from the rest.
    apart = [own, f"({own}) IS NOT TRUE AND ({' OR '.join(others)})"] if others else [own]
    done = ", ".join(
        f"least({MOST}, {' + '.join(_DONE.format(status=status, seen=seen, most=MOST) for seen in apart)}) AS {status}"
        for status in ("resolved", "closed")
    )
    row = await pool.fetchrow(
        f"SELECT w.*, {done} FROM ({_WORK.format(of_caller=of_caller, answered=ANSWERED)}) w", *values.values
    )
    assert row is not None  # noqa: S101 -- an aggregate always has its row
    return QueueCounts(**dict(row))
