"""What a bench came to: figures beside their ceilings, the machine's state, a table and JSON."""

import hashlib
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure.

    Attributes:
        name: What was measured.
        value: Ours, in `unit`.
        unit: events/s, requests/s, ms, MB or s.
        ceiling: The same work without us, in the same run on the same servers; None where nothing can stand beside it.
        wanted: What is promised, in words, e.g. ``at least 60% of the ceiling``.
        holds: Whether it does; None where nothing is promised.
        more: What else was seen, by name.
    """

    name: str
    value: float
    unit: str
    ceiling: float | None = None
    wanted: str = ""
    holds: bool | None = None
    more: dict[str, Any] | None = None

    @property
    def ratio(self) -> float | None:
        """Return the part of the ceiling that was reached."""
        return self.value / self.ceiling if self.ceiling else None


def rate_figure(
    name: str, value: float, ceiling: float | None, *, unit: str = "events/s", share: float = 0.0, least: float = 0.0,
    **more: Any,
) -> Figure:  # fmt: skip
    """Return a figure that must reach a share of its ceiling, or a rate, or both."""
    wanted = []
    holds = []
    if share and ceiling:
        wanted.append(f"{share:.0%} of the ceiling")
        holds.append(value >= share * ceiling)
    if least:
        wanted.append(f"{least:,.0f} {unit}")
        holds.append(value >= least)
    return Figure(name, value, unit, ceiling, ", ".join(wanted), all(holds) if holds else None, more or None)


def time_figure(name: str, samples: Sequence[float], *, p50: float = 0.0, p99: float = 0.0, **more: Any) -> Figure:
    """Return a figure of durations (given in seconds, shown in ms): the median, with p99 and the worst beside it."""
    middle, high, worst = (1000 * percentile(samples, q) for q in (0.5, 0.99, 1.0))
    wanted = [f"p{q} under {limit:g} ms" for q, limit in ((50, p50), (99, p99)) if limit]
    holds = [seen < limit for seen, limit in ((middle, p50), (high, p99)) if limit]
    said = {"p99": round(high, 1), "worst": round(worst, 1), "samples": len(samples), **more}
    return Figure(name, middle, "ms", None, ", ".join(wanted), all(holds) if holds else None, said)


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the value below which a share of the samples lies, interpolated."""
    ordered = sorted(samples)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def machine() -> dict[str, Any]:
    """Return what the figures were measured on, and how fast it was just now: cores of rented machines are not always alike."""
    model = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cores": os.cpu_count(), "cpu": model,
        "memory_gb": round(memory / 1e9, 1), "kernel": platform.release(), "python": platform.python_version(),
        "load_before": [round(part, 2) for part in os.getloadavg()], "sha256_mb_per_s": round(_hashing()),
        "fsync_ms": round(1000 * _syncing(), 2),
    }  # fmt: skip


def _hashing() -> float:
    """Return how many megabytes one core hashes a second: a yardstick for runs on different days."""
    block = bytes(1 << 20)
    started = time.perf_counter()
    for _ in range(200):
        hashlib.sha256(block).digest()
    return 200 / (time.perf_counter() - started)


def _syncing() -> float:
    """Return the median seconds of an fsync of 8 KiB in the temporary directory."""
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        taken = []
        for _ in range(50):
            file.write(bytes(8192))
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table("measure", "ours", "", "ceiling", "of it", "wanted", "holds", "more")
    for one in figures:
        table.add_row(
            one.name, _number(one.value), one.unit, _number(one.ceiling) if one.ceiling else "",
            f"{one.ratio:.0%}" if one.ratio is not None else "", one.wanted,
            "" if one.holds is None else "yes" if one.holds else "NO",
            ", ".join(f"{name} {value}" for name, value in (one.more or {}).items()),
        )  # fmt: skip
    Console(width=200).print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def write(path: Path, state: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Write the figures and the machine's state as JSON."""
    path.write_text(json.dumps({"machine": state, "figures": [asdict(one) for one in figures]}, indent=1) + "\n")
