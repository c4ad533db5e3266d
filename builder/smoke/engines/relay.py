"""Hands the connections of a listening socket on to a port of the loopback.

A socket belongs to the network namespace in which it was made (network_namespaces(7)). So one that
the host listens on and that a process in another namespace accepts from is a door between the two.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

LOOPBACK = "127.0.0.1"
# Bytes.
_CHUNK = 256 * 1024
# With this, closing resets the connection (socket(7), SO_LINGER): a broken one is no ended one.
_AT_ONCE = struct.pack("ii", 1, 0)


async def relay_connections(listener: socket.socket, port: int) -> asyncio.Server:
    """Connect everyone who comes to a socket with a port, until the server is closed.

    One direction of a connection may end before the other, as in HTTP/1.0. A connection that breaks
    on one side breaks on the other. Where nobody listens on the port, it ends without a byte. Those
    that are open when the event loop ends are cancelled, without a word.

    Args:
        listener: a listening socket, of whatever namespace.
        port: on the loopback of our own namespace.
    """
    open_ones: set[asyncio.Task[None]] = set()

    # No coroutine: asyncio reports those of its own making that are cancelled, with a traceback
    # (StreamReaderProtocol.connection_made), where people look for what Jupyter said.
    def handle_client(client: StreamReader, to_client: StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_relay_connection(client, to_client, port))
        open_ones.add(task)
        task.add_done_callback(open_ones.discard)

    return await asyncio.start_server(handle_client, sock=listener)


async def _relay_connection(client: StreamReader, to_client: StreamWriter, port: int) -> None:
    try:
        server, to_server = await asyncio.open_connection(LOOPBACK, port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy_stream(client, to_server))
                both.create_task(_copy_stream(server, to_client))
        finally:
            to_server.close()
    except* OSError:
        pass  # either side may go at any time, or never be there; the other one is told
    finally:
        to_client.close()


async def _copy_stream(source: StreamReader, sink: StreamWriter) -> None:
    """All that comes from one end, in order, to the other, no faster than that one takes it."""
    try:
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        sink.transport.abort()
        raise
