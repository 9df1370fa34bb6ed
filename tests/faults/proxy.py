"""A TCP proxy that breaks connections on purpose: cut, half-closed, black hole (either way), late, slow, in slices."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

Way = Literal["up", "down"]
"""`up`: from us to the server; `down`: what it answers."""
CHUNK = 65_536


@dataclass
class Proxy:
    """Stands before `host:port`. Everything can be changed while connections are open.

    Attributes:
        holes: ways on which bytes are swallowed; the sender believes them sent.
        gates: ways on which bytes wait until it is healed, and then arrive.
        delay: pause before each chunk, seconds. `slice`: bytes of one chunk at most; 0 = whatever came.
        refuses: new connections are closed at once.
        swallowed: bytes that fell into a hole; proof that there was one.
        cuts: connections that were cut. `halved`: directions that were closed. `held`: chunks that were delayed.
        waited: bytes that came to a gate.
    """

    host: str
    port: int
    listens_on: int = 0
    holes: set[Way] = field(default_factory=set[Way])
    gates: set[Way] = field(default_factory=set[Way])
    delay: float = 0.0
    slice: int = 0
    refuses: bool = False
    swallowed: int = 0
    cuts: int = 0
    halved: int = 0
    held: int = 0
    waited: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    def cut(self) -> None:
        """Reset every connection, as a crashed router does."""
        self.cuts += len(self._open) // 2
        for writer in tuple(self._open):
            writer.transport.abort()

    def half_close(self) -> None:
        """Tell both sides that no more will come, and go on taking what they send."""
        for writer in tuple(self._open):
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
                self.halved += 1

    def heal(self) -> None:
        """Connections that lost bytes are cut: a stream with a gap is of no use to anybody."""
        self.holes.clear()
        self.gates.clear()
        self.delay, self.slice, self.refuses = 0.0, 0, False
        if self.swallowed:
            self.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            to_reader, to_writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, to_writer}
        self._open |= ends
        try:
            await asyncio.gather(self._pass(reader, to_writer, "up"), self._pass(to_reader, writer, "down"))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        with suppress(OSError):
            while data := await reader.read(self.slice or CHUNK):
                if self.delay:
                    self.held += 1
                    await asyncio.sleep(self.delay)
                if way in self.gates:
                    self.waited += len(data)
                while way in self.gates:
                    await asyncio.sleep(0.01)
                if way in self.holes:
                    self.swallowed += len(data)
                    continue
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxy(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Proxy]:
    """A proxy on a free port of loopback while the block runs; with `tls` it speaks TLS to us, and plain beyond."""
    made = Proxy(host, port)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0, ssl=tls)
    made.listens_on = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.cut()
        server.close()
