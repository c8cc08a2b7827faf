"""What can happen to a stack, each as a function of a trial: break something, let people work against it, bring it back."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

from shared.testing.wait import wait_until
from tests.faults.apart import Apart, Process
from tests.faults.trial import Trial

PAUSED_SECONDS = 20.0


def postgres_immediate(at: Trial) -> None:
    """PostgreSQL is stopped as by `pg_ctl -m immediate`: no checkpoint, clients cut off; then started again."""
    postgres = at.desk.postgres
    postgres.process.end(signal.SIGQUIT)
    at.killed = True
    postgres.process.start()


def broker_killed(at: Trial) -> None:
    """The broker is killed and started again."""
    node = at.desk.nodes[0]
    node.process.kill()
    at.killed = True
    node.process.start(90)


def worker_paused(at: Trial) -> None:
    """A consumer stands still for 20 s; its group gives its partitions to another; then it goes on where it was."""
    with second_worker(at.desk):
        worker = at.desk.processes["worker"]
        at.work(20)
        worker.send(signal.SIGSTOP)
        at.killed = True
        resume = time.monotonic() + PAUSED_SECONDS  # what is waited for is the time itself
        while time.monotonic() < resume:
            time.sleep(0.1)
        worker.send(signal.SIGCONT)
        at.work(40, timeout=120)


@contextlib.contextmanager
def second_worker(desk: Apart, name: str = "worker-2") -> Iterator[Process]:
    """Let one more consumer share the work."""
    process = desk.processes.get(name) or desk.add(name, "projector,reactor")
    process.start()
    try:
        yield process
    finally:
        desk.processes["worker"].send(signal.SIGCONT)
        process.end(signal.SIGTERM)


def consumers_come_and_go(at: Trial) -> None:
    """Consumers join and leave under load: one in order, one by `kill -9`, and the first of all is killed, too."""
    with second_worker(at.desk):
        at.work(40, timeout=120)
        with second_worker(at.desk, "worker-3") as third:
            at.work(40, timeout=120)
            third.end()
            at.killed = True
        at.work(20, timeout=120)
        at.desk.processes["worker"].end()
        at.work(20, timeout=120)
    at.desk.keep_up()


def relay_leader_killed(at: Trial) -> None:
    """The process with the relays is killed while a standby waits for their locks; the standby sends on."""
    desk = at.desk
    standby = desk.processes.get("standby") or desk.add("standby", "relay", instance=False)
    standby.start()
    try:
        at.work(20)
        desk.processes["http"].end()
        at.killed = True
        desk.keep_up()
        at.work(40, timeout=120)
    finally:
        standby.end(signal.SIGTERM)


def everything_killed(at: Trial) -> None:
    """Every process of ours is killed at once, the broker and PostgreSQL as well; as when the power goes."""
    desk = at.desk
    for name in ("http", "worker"):
        desk.processes[name].end()
    desk.nodes[0].process.kill()
    desk.postgres.process.end(signal.SIGQUIT)
    at.killed = True
    desk.postgres.process.start()
    desk.nodes[0].process.start(90)
    desk.keep_up()
    wait_until(desk.ready, timeout=120, message=f"HTTP after everything was killed: {at.logs()}")


ONE_NODE: dict[str, Callable[[Trial], None]] = {
    "postgresql stopped at once": postgres_immediate,
    "broker killed": broker_killed,
    "consumer paused": worker_paused,
    "consumers come and go": consumers_come_and_go,
    "relay's leader killed": relay_leader_killed,
    "everything killed": everything_killed,
}
