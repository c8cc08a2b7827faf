"""A trial: people work, something breaks, it comes back, and an oracle looks at everything."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from shared.testing.wait import wait_until
from tests.faults import oracle, record
from tests.faults.apart import KEY, Apart
from tests.faults.load import Load

SETTLE_SECONDS = 150.0
_seeds = iter(range(1, 100_000))


@dataclass
class Trial:
    """One fault under load."""

    desk: Apart
    name: str
    kind: str
    seed: int = field(default_factory=lambda: next(_seeds))
    people: int = 4
    whole_topic: bool = True
    """Whether the topic must hold everything in order: not where records were taken from it."""
    killed: bool = False
    """Whether a process really died where it should."""

    def work(self, until: int, *, timeout: float = 60.0) -> None:
        """Wait until so many more commands have been acknowledged."""
        wanted = len(self.load.acknowledged) + until
        wait_until(
            lambda: len(self.load.acknowledged) >= wanted, timeout=timeout,
            message=f"{until} more commands acknowledged; {self.logs()}",
        )  # fmt: skip

    def logs(self) -> str:
        return "\n".join(f"--- {name}\n{process.said()[-1500:]}" for name, process in self.desk.processes.items())

    def run(self, fault: Callable[["Trial"], None]) -> oracle.Verdict:
        """Let people work, do it, let them go on working, and look; write down what was seen."""
        started = time.monotonic()
        self.load = Load(self.desk.url, KEY, self.seed, self.people).start()
        verdict = oracle.Verdict(wrong=["it was broken off"])
        try:
            self.work(60)
            fault(self)
            self.work(60, timeout=150)
            self.load.stop()
            verdict = self.look()
            return verdict
        finally:
            self.load._enough.set()
            entry: dict[str, Any] = {
                "name": self.name, "kind": self.kind, "seed": self.seed, "sent": len(self.load.sent),
                "attempts": self.load.attempts, "acknowledged": len(self.load.acknowledged), "found": verdict.found,
                "doubled": verdict.doubled, "skipped": verdict.skipped, "killed": self.killed, "wrong": verdict.wrong[:20],
                "seconds": round(time.monotonic() - started, 1), "broker": self.desk.broker,
                "postgresql": asyncio.run(_version(self.desk.dsn)),
            }  # fmt: skip
            record.note(entry)

    def look(self) -> oracle.Verdict:
        """Wait until everything has come to rest, then judge; and let the product judge itself."""
        last: list[str] = []

        def at_rest() -> bool:
            last[:] = asyncio.run(oracle.disagreements(self.desk.dsn))
            return not last

        wait_until(self.desk.ready, timeout=60, message=f"the stack to answer: {self.logs()}")

        deadline = time.monotonic() + SETTLE_SECONDS
        while not at_rest() and time.monotonic() < deadline:
            time.sleep(0.2)
        self.desk.whole_topic &= self.whole_topic  # and for ever after
        sent = [oracle.Command(one.marker, one.acknowledged, one.place) for one in self.load.sent]
        verdict = asyncio.run(
            oracle.judge(self.desk.dsn, self.desk.brokers if self.desk.whole_topic else None, sent + self.before())
        )
        self.desk.judged.extend(sent)
        verdict.wrong += [f"answered 500: {said}" for said in self.load.surprises]
        verified = self.desk.run("verify", "--wait", "60")
        if verified.returncode != 0:
            verdict.wrong.append(f"ledgerdesk verify ended with {verified.returncode}: {verified.stdout[-1500:]}")
        verdict.found -= sum(one.acknowledged for one in self.before(len(sent)))
        return verdict

    def before(self, without: int = 0) -> list[oracle.Command]:
        """Return the commands of earlier trials on this desk: they must still be there."""
        judged = self.desk.judged
        return judged[: len(judged) - without]


async def _version(dsn: str) -> str:
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, asyncpg.PostgresError):
        return "does not answer"
    try:
        version: str = await connection.fetchval("SHOW server_version")
        return version
    finally:
        await connection.close()


def trial(desk: Apart, name: str, kind: str, fault: Callable[[Trial], None], **options: Any) -> None:
    """Run a trial and expect that nothing is wrong."""
    one = Trial(desk, name, kind, **options)
    verdict = one.run(fault)
    assert verdict.wrong == [], f"seed {one.seed}: {verdict.wrong[:10]}"
    assert verdict.doubled == 0
    assert verdict.skipped == 0
    assert verdict.found == len(one.load.acknowledged) > 0
