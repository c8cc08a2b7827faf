"""The network between everybody and the broker is gone for a minute: packets vanish, connections stay half open."""

import asyncio
import threading
import time

from shared.embedded import free_port
from shared.testing.proxy import Proxy, proxy
from tests.faults.apart import apart
from tests.faults.trial import Trial, trial

CUT_SECONDS = 60.0


class Between(threading.Thread):
    """A proxy with a loop of its own."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.target = free_port()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._done = asyncio.Event()
        self._proxy: Proxy | None = None

    def run(self) -> None:
        async def work() -> None:
            async with proxy(self.port, self.target) as self._proxy:
                self._up.set()
                await self._done.wait()

        try:
            self._loop.run_until_complete(work())
        finally:
            self._loop.close()

    def do(self, what: str) -> None:
        """Tell the proxy to stall or to cut."""
        self._up.wait(10)
        assert self._proxy is not None
        self._loop.call_soon_threadsafe(getattr(self._proxy, what))

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._done.set)
        self.join(10)


def test_the_network_to_the_broker_is_cut_for_a_minute():
    between = Between(free_port())
    between.start()

    def cut(at: Trial) -> None:
        between.do("stall")
        at.killed = True
        until = time.monotonic() + CUT_SECONDS  # what is waited for is the time itself
        while time.monotonic() < until:
            time.sleep(0.5)
        between.do("cut")

    with apart(advertised=between.port, listening=between.target) as desk:
        trial(desk, "network to the broker cut for 60 s", "outage", cut)
    between.end()
