"""`make bench`: our figures, each beside the ceiling measured in the same run on the same servers.

A figure is a share of what the machine can do, never a time that must be kept: machines differ, and from day to day. Close what
else runs. Everything takes about fifteen minutes; `--tickets 1000000` adds the large desk, which takes most of an hour.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from bench import answering, appending, figures, importing, paging, painting, projecting, relaying, waking
from bench.figures import Figure
from bench.stack import Stack
from ledgerdesk.host import collect_seldom
from shared.embedded import temporary_broker, temporary_postgres
from shared.testing.servers import KafkaAt, PostgresAt, empty_topics

SIZES = (10_000, 100_000)


def _run(work: Coroutine[Any, Any, list[Figure]]) -> list[Figure]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _kernel(measure: Callable[[PostgresAt, KafkaAt], Coroutine[Any, Any, list[Figure]]]) -> list[Figure]:
    """Measure on the embedded servers, with nothing else running."""

    async def on(server: PostgresAt, kafka: KafkaAt) -> list[Figure]:
        return await measure(server, await empty_topics(kafka))

    with temporary_postgres() as postgres, temporary_broker() as broker:
        server = PostgresAt("embedded", postgres.dsn())
        return _run(on(server, KafkaAt("embedded", broker.bootstrap_servers, idempotent=False, quick_groups=False)))


def _answers(folder: Path) -> list[Figure]:
    with Stack(folder / "answering") as stack:
        found = _run(answering.measure(stack))
        under_load = importing.memory("memory after that load", stack)
        return [*found, under_load, *_run(answering.visible(stack))]


def main() -> int:
    """Measure what is asked for; write the table and JSON. Ends with 1 if a promise is not kept."""
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=["append", "relay", "projectors", "alarms", "http", "import", "browser", "pages"],
    )
    parser.add_argument("--tickets", type=int, action="append", help=f"sizes of the desk; {SIZES} unless given")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    arguments = parser.parse_args()
    collect_seldom()  # as every process of the stack does
    found: list[Figure] = []
    state = figures.machine()
    with tempfile.TemporaryDirectory(prefix="ledgerdesk-bench-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        parts: dict[str, Callable[[], list[Figure]]] = {
            "append": lambda: _kernel(lambda server, _: appending.measure(server)),
            "relay": lambda: _kernel(relaying.measure),
            "projectors": lambda: _kernel(projecting.measure),
            "alarms": lambda: _kernel(waking.measure),
            "http": lambda: _answers(folder),
            "import": lambda: importing.measure(folder),
            "browser": lambda: painting.measure(folder),
            "pages": lambda: [
                one for size in arguments.tickets or SIZES for one in paging.measure(folder, size)
            ],
        }  # fmt: skip
        for name, part in parts.items():
            if arguments.only is None or name in arguments.only:
                sys.stderr.write(f"{name} ...\n")
                found += part()
                figures.write(arguments.json, state, found)
    sys.stdout.write(" ".join(f"{name}={value}" for name, value in state.items()) + "\n")
    figures.show(found)
    return 1 if any(one.holds is False for one in found) else 0


if __name__ == "__main__":
    sys.exit(main())
