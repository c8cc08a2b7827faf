"""How much work there was at the end of each month, and what came and went during it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from services.reporting.days import TIMELINE
from services.reporting.queries.counting import events, match, tickets_standing
from services.reporting.queries.report import DIMENSIONS, Counting, Question, Report, Row, Rows, Where, fetch, grouped
from services.reporting.queries.whole_days import of_whole_days
from shared.db import Connection

STOCKS = ("open", "unresolved", "on_hold")
FLOWS = ("created", "resolved", "closed")
_STANDING = {
    "open": "status NOT IN ('closed', 'merged')", "unresolved": "status NOT IN ('resolved', 'closed', 'merged')",
    "on_hold": "status = 'on_hold'",
}  # fmt: skip
"""Of each stock, which tickets are in it; the same as the entries' own changes of it add up to."""
_PERIOD = {"day": "(at AT TIME ZONE 'UTC')::date", "month": "month"}


def _flows(where: Where, question: Question) -> str:
    since = f" AND at >= {where.argument(question.start)}" if question.start is not None else ""
    return ", ".join(f"count(*) FILTER (WHERE kind = '{kind}'{since}) AS {kind}" for kind in FLOWS)


async def _changes(connection: Connection, question: Question, unit: str) -> Rows:
    """Return, per period with events, by how much each stock changed in it, and the flows; of all tickets together."""
    if of_whole_days(question):
        return await _changes_of_days(connection, question, unit)
    where = Where()
    flows = _flows(where, question)
    if question.end is not None:
        where.conditions.append(f"at < {where.argument(question.end)}")
    stocks = ", ".join(f"sum({name}_delta)::bigint AS {name}" for name in STOCKS)
    return await fetch(
        connection,
        f"""
        SELECT {_PERIOD[unit]} AS period, {stocks}, {flows}
        FROM entry {where.sql} GROUP BY 1
        """,
        where,
    )


async def _changes_of_days(connection: Connection, question: Question, unit: str) -> Rows:
    """Return the same, where the range begins and ends at midnight."""
    where = Where(f"clock = '{TIMELINE}'")
    since = f" AND day >= {where.argument(question.start.astimezone(UTC).date())}" if question.start else ""
    flows = ", ".join(
        f"coalesce(sum(count) FILTER (WHERE kind = '{kind}'{since}), 0)::bigint AS {kind}" for kind in FLOWS
    )
    if question.end is not None:
        where.conditions.append(f"day < {where.argument(question.end.astimezone(UTC).date())}")
    stocks = ", ".join(f"sum({name}_delta)::bigint AS {name}" for name in STOCKS)
    period = "day" if unit == "day" else "date_trunc('month', day)::date"
    return await fetch(
        connection,
        f"SELECT {period} AS period, {stocks}, {flows} FROM day_sum {where.sql} GROUP BY 1 HAVING sum(count) <> 0",
        where,
    )


async def _changes_within(connection: Connection, question: Question, unit: str) -> Rows:
    """Return the same for parts of the tickets: what a ticket changes goes out of one group and into another."""
    where = Where()
    flows = _flows(where, question)
    until = f"WHERE at < {where.argument(question.end)}" if question.end is not None else ""
    names = [key for key in question.group_by if key != "day"]
    state = [*(name for name in DIMENSIONS if name in names or name in question.filters), "status"]
    now, was = ", ".join(state), ", ".join(f"{name}_was" for name in state)
    where.narrowed(question)
    stocks = ", ".join(
        f"coalesce(sum(sign) FILTER (WHERE {standing}), 0)::bigint AS {name}" for name, standing in _STANDING.items()
    )
    return await fetch(
        connection,
        f"""
        WITH moment AS (
            SELECT at, month, kind, {now}, {", ".join(f"lag({name}) OVER timeline AS {name}_was" for name in state)}
            FROM entry {until}
            WINDOW timeline AS (PARTITION BY ticket_id ORDER BY at, rank, source, version)
        ), moved AS (
            SELECT * FROM moment WHERE ({now}) IS DISTINCT FROM ({was}) OR kind IN {FLOWS}
        ), change AS (
            SELECT at, month, kind, 1 AS sign, {now} FROM moved
            UNION ALL
            SELECT at, month, NULL, -1, {was} FROM moved WHERE status_was IS NOT NULL
        )
        SELECT {_PERIOD[unit]} AS period, {"".join(f"{name}, " for name in names)}
               {stocks}, {flows}
        FROM change {where.sql} {grouped(["period", *names])}
        """,
        where,
    )


def _next(period: date, unit: str) -> date:
    return period + timedelta(days=1) if unit == "day" else (period.replace(day=1) + timedelta(days=32)).replace(day=1)


def _period_of(moment: datetime, unit: str) -> date:
    day = moment.astimezone(UTC).date()
    return day if unit == "day" else day.replace(day=1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _periods(question: Question, unit: str, first: date, last: date, now: datetime) -> Iterator[date]:
    """Yield the periods to show: of the range as far as there was, or can be, anything; else from first to last event."""
    period, stop = first, last
    if question.start is not None:
        period = max(first, _period_of(question.start, unit))
        stop = max(last, min(period, _period_of(now, unit)))
    if question.end is not None:
        shown = _period_of(question.end - timedelta(microseconds=1), unit)
        stop = min(shown, max(last, _period_of(now, unit)))
    while period <= stop:
        yield period
        period = _next(period, unit)


def accumulate(changes: Rows, question: Question, unit: str, now: datetime) -> Iterator[Row]:
    """Add changes up to the stocks at the end of each period. Pure.

    Args:
        changes: Of `_changes`: per period (and group), in any order.
        question: Its range cuts the first and last period; its keys name the groups.
        unit: `month` or `day`.
        now: Up to when a range may reach past the last event.
    """
    if not changes:
        return
    names = [key for key in question.group_by if key != "day"]
    of_period: dict[date, dict[tuple[Any, ...], Row]] = {}
    for change in changes:
        of_period.setdefault(change["period"], {})[tuple(change[name] for name in names)] = change
    totals: dict[tuple[Any, ...], list[int]] = {} if names else {(): [0] * len(STOCKS)}
    pending = sorted(of_period)
    for period in _periods(question, unit, pending[0], pending[-1], now):
        while pending and pending[0] <= period:
            for group, change in of_period[pending.pop(0)].items():
                totals[group] = [a + change[name] for a, name in zip(totals.get(group, [0, 0, 0]), STOCKS, strict=True)]
        end = _midnight(_next(period, unit))
        came = of_period.get(period, {})
        for group, stocks in totals.items():
            flows = [came[group][name] if group in came else 0 for name in FLOWS]
            if names and not any(stocks) and not any(flows):
                continue
            yield {
                **({"day": period} if "day" in question.group_by else {}), **dict(zip(names, group, strict=True)),
                "at": min(end, question.end) if question.end is not None else end,
                **dict(zip(STOCKS, stocks, strict=True)), **dict(zip(FLOWS, flows, strict=True)),
            }  # fmt: skip


async def rows(connection: Connection, question: Question) -> Rows:
    """Return the stocks and flows of each period."""
    unit = "day" if "day" in question.group_by else "month"
    parts = bool(question.filters) or any(key != "day" for key in question.group_by)
    changes = await (_changes_within if parts else _changes)(connection, question, unit)
    return list(accumulate(changes, question, unit, datetime.now(UTC)))


def counted(question: Question, row: Mapping[str, Any], figure: str) -> Counting:
    """Return the tickets that stood there at the row's instant, or what came and went in the period that ends with it."""
    unit = "day" if "day" in question.group_by else "month"
    of_it = {key: value for key, value in row.items() if key not in {"at", "day"}}
    end: datetime = row["at"]
    if figure in STOCKS:
        return tickets_standing(end, _STANDING[figure], question, of_it)
    start = _midnight(_period_of(end - timedelta(microseconds=1), unit))
    if question.start is not None:
        start = max(start, question.start)
    where = Where()
    where.conditions += [
        f"kind = {where.argument(figure)}", f"at >= {where.argument(start)}", f"at < {where.argument(end)}",
    ]  # fmt: skip
    return events(match(where.narrowed(question), of_it))


REPORT = Report(
    "backlog",
    "Backlog",
    "For each month's end (`at`, exclusive: 00:00:00Z of the next month's first day; with group_by=day, each day's end), how many "
    "of the tickets created before it were then not closed (`open`), neither resolved nor closed (`unresolved`), or on hold "
    "(`on_hold`); and how many were created and how many times tickets became resolved and closed since the month began. From the "
    "month of the first event to that of the last; from and to narrow it and cut the first and last month short. Of a "
    "department, topic, agent or priority: the tickets that were its own at that instant. Times are those of the timeline: "
    "the largest so far in their stream.",
    ("at", *STOCKS, *FLOWS),
    ("at",),
    ("day", *DIMENSIONS),
    rows,
    counted,
)
