"""A supervisor driven in a process of its own, on children that say what happens to them."""

import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.embedded import is_same_process, read_state, stop_process

ROOT = Path(__file__).parents[2]

DRIVER = """
import sys, signal
from pathlib import Path
from shared.embedded import Supervisor
from shared.embedded.process import ChildSpec
from shared.embedded.rundir import AlreadyRunningError
import logging

logging.basicConfig(level="INFO")
data = Path(sys.argv[1])

def prepare():
    with open(f"{data}/prepared", "a") as file:
        file.write("once\\n")

def child(name, code, **more):
    ready = data / f"{name}.ready"
    def argv():
        ready.unlink(missing_ok=True)
        return [sys.executable, "-c", code, name, str(data)]
    return ChildSpec(name=name, argv=argv, ready=ready.exists, **more)

GOOD = '''
import os, signal, sys
name, data = sys.argv[1:]
def note(what):
    with open(f"{data}/history", "a") as file:
        file.write(f"{name} {what}\\\\n")
def stop(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("started")
open(f"{data}/{name}.ready", "w").close()
while True:
    signal.pause()
'''
DEAF = GOOD.replace("note(\\"started\\")", "signal.signal(signal.SIGTERM, signal.SIG_IGN); note(\\"started\\")")
PARENT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);" + GOOD
BAD = "import sys; print('no luck today'); sys.exit(3)"

CHILDREN
try:
    status = Supervisor(data, children, prepare=prepare, url="http://127.0.0.1:1", ports={"http": 1}).run(
        lambda: print("ready", flush=True)
    )
except AlreadyRunningError as error:
    print(error, flush=True)
    status = 75
sys.exit(status)
""".replace("\\\\\\\\n", "\\\\n")
USELESS_ONCE = """
from dataclasses import replace
from shared.embedded import UnusableError
found = []
def ready():
    found.append(0)
    if len(found) == 1:
        raise UnusableError("somebody was quicker")
    return good.ready()
good = child("good", GOOD)
children = [replace(good, ready=ready)]
"""
EARLY = """
from dataclasses import replace
first = replace(child("first", GOOD), ready=(data / "early.ready").exists)
children = [first, child("second", GOOD), child("early", GOOD, early=True)]
"""
LATER = """
from dataclasses import replace
from functools import partial
import time
begun = time.monotonic()
def takes(seconds):
    return lambda: time.monotonic() - begun > seconds
children = [replace(child("first", GOOD), ready=takes(3.5)), replace(child("early", GOOD, early=True), ready=takes(7))]
Supervisor = partial(Supervisor, start_timeout=5)
"""
GETTING_ON = """
from dataclasses import replace
from functools import partial
import time
begun = time.monotonic()
slow = replace(
    child("slow", GOOD), ready=lambda: time.monotonic() - begun > 5,
    progress=lambda: f"is counting: {int((time.monotonic() - begun) / PACE)}",
)
children = [slow]
Supervisor = partial(Supervisor, start_timeout=2)
"""
FORKED = """
from shared.embedded import ForkServer
forks = ForkServer()
SERVER = '''
import sys
from shared.embedded import serve_forks
arguments = serve_forks()
if arguments is not None:
    sys.argv = arguments
    print("forked", arguments[1], flush=True)
    exec(GOOD)
'''.replace("GOOD", repr(GOOD))
def forked(name, **more):
    plain = child(name, GOOD)
    return replace(plain, argv=lambda: plain.argv()[2:], forked_by=forks, **more)
from dataclasses import replace
server = ChildSpec(
    name="forks", argv=lambda: [sys.executable, "-c", SERVER], fork_server=forks, ready=lambda: forks.loaded, early=True,
    stop_timeout=2,
)
children = [child("first", GOOD), server, forked("second", early=True), forked("third")]
"""
TWO = "children = [child('first', GOOD, services=('ledger',)), child('second', GOOD)]"


@dataclass
class Driven:
    """A supervisor running in a subprocess."""

    data: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, children: str = TWO, *, wait: bool = True) -> subprocess.Popen[str]:
        script = self.data.with_suffix(".py")
        self.data.mkdir(exist_ok=True)
        script.write_text(textwrap.dedent(DRIVER.replace("CHILDREN", children)))
        with self.data.with_suffix(".err").open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, str(script), str(self.data)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.started.append(process)
        if wait:
            assert process.stdout
            assert process.stdout.readline() == "ready\n", self.data.with_suffix(".err").read_text()
        return process

    def state(self) -> dict[str, Any]:
        state = read_state(self.data)
        assert state is not None
        return state

    def entry(self, name: str) -> dict[str, Any]:
        return next(e for e in self.state()["processes"] if e["name"] == name)

    def history(self) -> list[str]:
        return (self.data / "history").read_text().splitlines()

    def errors(self) -> str:
        return self.data.with_suffix(".err").read_text()

    def end(self) -> None:
        children = (read_state(self.data) or {"processes": []})["processes"]
        for process in self.started:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        for child in children:
            if child["pid"] and is_same_process(child["pid"], child["create_time"]):
                stop_process(child["pid"], signal.SIGKILL)


def alive(entry: dict[str, Any]) -> bool:
    return is_same_process(entry["pid"], entry["create_time"])
