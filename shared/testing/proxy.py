"""A TCP proxy that can stall and cut: the network between a client and a broker, on a bad day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from shared.embedded.process import LOOPBACK


class Proxy:
    """Forwards connections to a port of this machine, until told to misbehave."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.forwarded = 0
        """Bytes that clients have sent through."""

    def stall(self) -> None:
        """Swallow what clients send: connections stay open, nothing is delivered."""
        self._flowing.clear()

    def cut(self) -> None:
        """Close every connection; what is held back is lost. New ones are taken."""
        for writer in list(self._writers):
            writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        self._flowing.set()

    async def serve(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        """Forward one connection, both ways."""
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            client_writer.transport.abort()
            return
        pair = {client_writer, writer}
        self._writers |= pair
        ways = [
            asyncio.create_task(self._forward(client_reader, writer, outgoing=True)),
            asyncio.create_task(self._forward(reader, client_writer, outgoing=False)),
        ]
        self._tasks.update(ways)
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        self._tasks.difference_update(ways)
        for end in pair:
            end.transport.abort()
        self._writers -= pair

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, outgoing: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if outgoing:
                    await self._flowing.wait()
                    self.forwarded += len(data)
                writer.write(data)
                await writer.drain()


@contextlib.asynccontextmanager
async def proxy(listen_port: int, target_port: int) -> AsyncIterator[Proxy]:
    """Run a proxy on a port of 127.0.0.1."""
    between = Proxy(target_port)
    server = await asyncio.start_server(between.serve, LOOPBACK, listen_port)
    try:
        yield between
    finally:
        server.close()
        between.cut()
        await server.wait_closed()
