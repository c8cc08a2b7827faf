"""From a report's rows to what is drawn: lines over time where rows have a time, else bars beside the figures."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.gateway.pages.language import _
from services.gateway.pages.render import words

Row = Mapping[str, Any]
TIMES = ("day", "at")
FIGURES = ("count", "rows", "acts", "transitions", "open", "unresolved", "on_hold")
STOCKS = ("open", "unresolved", "on_hold")
MOST = 6
"""So many lines are told apart; the largest are drawn, the table has them all."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time.

    Attributes:
        times: Seconds since 1970, ascending.
        lines: Name to a value for each time (None: nothing said).
        left_out: How many lines are in the table only.
        drills: For each time, the address of the list of its tickets; None where no list says it.
    """

    times: list[float]
    lines: dict[str, list[float | None]]
    left_out: int = 0
    drills: Sequence[str | None] = ()

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script draws."""
        return {
            "times": self.times,
            "lines": [{"label": name, "values": values} for name, values in self.lines.items()],
            "drills": list(self.drills),
        }


def _seconds(value: str) -> float:
    at = datetime.fromisoformat(value if "T" in value else f"{value}T00:00:00+00:00")
    return at.timestamp()


def chart_of(
    rows: Sequence[Row], drills: Sequence[str | None] = (), ways: Sequence[Mapping[str, str]] = ()
) -> Chart | None:
    """Return the lines of a report whose rows have a time; None of one whose rows have none, or only one.

    Args:
        rows: The report's.
        drills: Of each row, its list of tickets.
        ways: Of each row, by figure, the list of what it counts.
    """
    time = next((name for name in TIMES if rows and name in rows[0]), None)
    if time is None:
        return None
    wanted = [name for name in FIGURES if name in rows[0]]
    figures = [name for name in wanted if name in STOCKS] or wanted[:1]
    keys = [name for name in rows[0] if isinstance(rows[0][name], str) and name not in TIMES]
    values: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        if row[time] is None:
            continue
        group = ", ".join(words(str(row[key])) if row[key] else _("None") for key in keys)
        for figure in figures:
            name = " · ".join(part for part in (group, words(figure) if len(figures) > 1 or not group else "") if part)
            values[name][_seconds(str(row[time]))] += float(row[figure] or 0)
    times = sorted({at for line in values.values() for at in line})
    if len(times) < 2:  # noqa: PLR2004 -- a line takes two points
        return None
    largest = sorted(values, key=lambda name: -sum(values[name].values()))[:MOST]
    lines: dict[str, list[float | None]] = {name: [values[name].get(at, 0.0) for at in times] for name in largest}
    found = _ways(rows, drills, time) or _only(rows, ways, time, figures[0])
    return Chart(times, lines, len(values) - len(lines), [found.get(at) for at in times])


def _ways(rows: Sequence[Row], drills: Sequence[str | None], time: str) -> dict[float, str]:
    """Return each time's way to its tickets: that of the row that has one of the time itself, if there is such a row."""
    found: dict[float, str] = {}
    for row, way in zip(rows, drills, strict=False):
        if way is not None and row[time] is not None and "created_on" in way:
            found.setdefault(_seconds(str(row[time])), way)
    return found


def _only(rows: Sequence[Row], ways: Sequence[Mapping[str, str]], time: str, figure: str) -> dict[float, str]:
    """Return each time's way to what its figure counts, where each time has one row: else no point stands for one figure."""
    moments = [row[time] for row in rows]
    if len(set(moments)) < len(moments) or None in moments:
        return {}
    return {_seconds(str(row[time])): way[figure] for row, way in zip(rows, ways, strict=False) if figure in way}


def bars_of(rows: Sequence[Row], columns: Sequence[str]) -> tuple[str, list[float]] | None:
    """Return the column that is drawn as bars, and each row's share of the largest (0 to 100)."""
    if any(name in columns for name in TIMES):
        return None
    column = next((name for name in (*FIGURES, "median", "assigned") if name in columns), None)
    if column is None:
        return None
    largest = max((float(row.get(column) or 0) for row in rows), default=0.0)
    return (column, [round(100 * float(row.get(column) or 0) / largest, 1) for row in rows]) if largest else None


def drill(row: Row, asked: Mapping[str, str]) -> dict[str, str] | None:
    """Return the filters of the list of a row's tickets; None where no list says it.

    A list shows tickets as they are now: what is exact for them (department, agent, priority, topic as they stand; the day of a
    creation) is asked, the kind of another event is not.
    """
    filters = {"department": "department", "agent": "assignee", "priority": "priority", "topic": "topic"}
    found = {to: str(row[name]) for name, to in filters.items() if row.get(name)}
    found |= {to: asked[name] for name, to in filters.items() if name in asked and to not in found}
    if row.get("kind") == "created":
        if row.get("day"):
            found["created_on"] = str(row["day"])
        else:
            found |= {to: asked[name] for name, to in (("from", "created_from"), ("to", "created_to")) if name in asked}
    return found or None
