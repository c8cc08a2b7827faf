"""Folding events into a view's rows, and writing them: what cannot be folded, or saved, is set aside alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from shared.contracts.event import Event
from shared.contracts.ids import unique
from shared.contracts.upcast import upcast
from shared.db import Connection
from shared.projection.discarded import Given, Held, pass_over
from shared.projection.model import AnyModel, Versioned

NOTHING: Given = set()
PartOfStream = tuple[UUID, str]
"""(stream, owner)"""
UNSAVABLE = (
    asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError, TypeError, ValueError,
    LookupError, AttributeError,
)  # fmt: skip
"""What saving raises because of what is in an event. A lost connection, a full disk or a table that is not there is none of these."""


@dataclass(slots=True)
class Folded:
    """What folding some events into one view's rows came to."""

    rows: dict[UUID, Versioned] = field(default_factory=dict)
    applied: list[Event] = field(default_factory=list)
    gaps: dict[PartOfStream, tuple[int, int]] = field(default_factory=dict)
    parked: list[tuple[Event, str]] = field(default_factory=list)


def fold(
    model: AnyModel, states: Mapping[UUID, Versioned], events: Sequence[Event], parked: Held, discarded: Given = NOTHING
) -> Folded:
    """Fold events into states, each owner's in its own order. Pure.

    The next version applies, an older one is known already, a later one shows a gap. An event that cannot be folded is
    parked, and so is all that follows it from the same owner: order within an owner is kept, the rest flows.
    """
    result = Folded()
    held = set(parked)
    rows, applied, evolve = result.rows, result.applied, model.evolve
    for event in events:
        stream_id, source, version = event.stream_id, event.source, event.version
        state = rows.get(stream_id) or states.get(stream_id)
        known = state.versions.get(source, 0) if state is not None else 0
        if version <= known:
            continue
        if held and (stream_id, source) in held:
            result.parked.append((event, "an earlier event of this stream is parked"))
            continue
        if version > known + 1:
            part = (stream_id, source)
            result.gaps[part] = (known, max(version, result.gaps.get(part, (0, 0))[1]))
            continue
        before = state or model.initial(stream_id)
        if discarded and (stream_id, source, version) in discarded:
            rows[stream_id], left = pass_over(model, before, event)
            applied += [left] if left is not None else []
            continue
        try:
            current = upcast(event)
            rows[stream_id] = evolve(before, current)
        except Exception as error:
            held.add((stream_id, source))
            result.parked.append((event, f"{type(error).__name__}: {error}"))
            continue
        applied.append(current)
    return result


async def fold_and_save(
    connection: Connection, model: AnyModel, events: Sequence[Event], held: Held, discarded: Given, *, careful: bool
) -> Folded:
    """Fold events into a view and write its rows; inside a transaction.

    `evolve` may take what no column does (a number where a word belongs). Then events are saved one by one, and the one
    that cannot be is parked like one that cannot be folded: otherwise its batch would fail for ever, and its partition with it.

    With care, saving happens within a savepoint, to which one can go back. That costs two round trips a view. Without, what
    cannot be saved raises (one of `UNSAVABLE`), the transaction is spent, and the caller begins it anew with care.
    """
    states = await model.load(connection, unique(event.stream_id for event in events))
    folded = fold(model, states, events, held, discarded)
    if not folded.rows:
        return folded
    if not careful:
        await model.save(connection, folded.rows, folded.applied)
        return folded
    try:
        async with connection.transaction():  # a savepoint
            await model.save(connection, folded.rows, folded.applied)
    except UNSAVABLE:
        return await _one_by_one(connection, model, states, events, held, discarded)
    return folded


async def _one_by_one(
    connection: Connection, model: AnyModel, states: Mapping[UUID, Versioned], events: Sequence[Event], held: Held,
    discarded: Given,
) -> Folded:  # fmt: skip
    whole, known, parts = Folded(), dict(states), set(held)
    for event in events:
        one = fold(model, known, [event], parts, discarded)
        if one.rows:
            try:
                async with connection.transaction():
                    await model.save(connection, one.rows, one.applied)
            except UNSAVABLE as error:  # its message may quote what is personal
                one = Folded(parked=[(event, f"it cannot be saved: {type(error).__name__}")])
        known |= one.rows
        parts |= {(bad.stream_id, bad.source) for bad, _ in one.parked}
        whole.rows |= one.rows
        whole.applied += one.applied
        whole.parked += one.parked
        for part, (have, want) in one.gaps.items():
            whole.gaps[part] = (have, max(want, whole.gaps.get(part, (0, 0))[1]))
    return whole
