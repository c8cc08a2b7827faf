"""A load generator that costs little: keep-alive connections, requests as bytes, closed loop or at a fixed rate.

At a fixed rate the time of a request begins when it was due, not when it could be sent: a server that stalls is charged for
everybody who had to wait (no coordinated omission).
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast


@dataclass
class Answers:
    """What came back: seconds of each good answer, the bodies' and the headers' bytes if kept, and how many were bad."""

    seconds: list[float] = field(default_factory=list)
    bad: list[bytes] = field(default_factory=list)
    kept: list[tuple[float, bytes]] = field(default_factory=list)
    taken: float = 0.0

    @property
    def rate(self) -> float:
        """Return good answers a second."""
        return len(self.seconds) / self.taken


Keep = Callable[[float, bytes], None]


class Connection(asyncio.Protocol):
    """One keep-alive connection that has one request under way at a time; opened anew when the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none of asyncio's by inheritance

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or self._waiting is None:
            return
        lower = head.lower()
        at = lower.find(b"content-length:")
        length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(rest) >= length:
            self._buffer = b""
            self._waiting.set_result(head + b"\r\n\r\n" + rest[:length])

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the whole answer."""
        if self._transport is None:
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting


async def connect(port: int) -> Connection:
    """Open a connection to this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(port), "127.0.0.1", port)
    return connection


def request(method: str, path: str, key: str, body: bytes = b"", headers: str = "") -> bytes:
    """Return a request's bytes."""
    length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n{length}{headers}\r\n"
    return head.encode() + body


def _note(answers: Answers, answer: bytes, begun: float, keep: Keep | None) -> None:
    now = time.perf_counter()
    if answer[9:10] == b"2":
        answers.seconds.append(now - begun)
        if keep is not None:
            keep(now, answer)
    else:
        answers.bad.append(answer)


async def closed(port: int, requests: Callable[[], bytes], clients: int, seconds: float) -> Answers:
    """Ask from so many clients, each as soon as it has its answer."""
    answers = Answers()
    connections = [await connect(port) for _ in range(clients)]
    started = time.perf_counter()

    async def client(connection: Connection) -> None:
        while time.perf_counter() - started < seconds:
            begun = time.perf_counter()
            _note(answers, await connection.ask(requests()), begun, None)

    await asyncio.gather(*map(client, connections))
    answers.taken = time.perf_counter() - started
    return answers


async def at_rate(
    port: int, requests: Callable[[], bytes], rate: float, seconds: float, keep: Keep | None = None, most: int = 256
) -> Answers:
    """Ask at a fixed rate, whether or not answers come; more connections are opened as they are needed, up to `most`."""
    answers = Answers()
    free: list[Connection] = [await connect(port) for _ in range(8)]
    opened = len(free)
    waiting: asyncio.Queue[float | None] = asyncio.Queue()
    tasks: list[asyncio.Task[None]] = []
    started = time.perf_counter()

    async def one(connection: Connection, due: float) -> None:
        _note(answers, await connection.ask(requests()), due, keep)
        while not waiting.empty():
            late = waiting.get_nowait()
            assert late is not None
            _note(answers, await connection.ask(requests()), late, keep)
        free.append(connection)

    for number in range(int(rate * seconds)):
        due = started + number / rate
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        if not free and opened < most:
            free.append(await connect(port))
            opened += 1
        if free:
            tasks.append(asyncio.create_task(one(free.pop(), due)))
        else:
            waiting.put_nowait(due)
    await asyncio.gather(*tasks)
    answers.taken = time.perf_counter() - started
    return answers
