"""A line to a server that a test cuts: in front of a commit, or behind it, when its answer is on the way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

Cut = Literal["before", "after"]


class Line:
    """`cut` is done once, at the next commit. `port` is what clients connect to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._pumps: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cut: Cut | None = None
        self.cuts = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        pump = asyncio.ensure_future(_pump(server_reader, writer))
        self._pumps.add(pump)
        try:
            while data := await reader.read(65536):
                if self.cut is not None and b"COMMIT" in data:
                    cut, self.cut, self.cuts = self.cut, None, self.cuts + 1
                    pump.cancel()
                    if cut == "after":
                        server_writer.write(data)
                        await asyncio.wait_for(server_reader.read(1), 5)
                    break
                server_writer.write(data)
                await server_writer.drain()
        except ConnectionError:
            pass
        finally:
            pump.cancel()
            self._pumps.discard(pump)
            for end in (writer, server_writer):
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A line to a server on loopback, for as long as the block lasts."""
    line = Line(port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    async with server:
        yield line
