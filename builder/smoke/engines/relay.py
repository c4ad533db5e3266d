"""Relay the connections of a listening socket to a port of the loopback.

A socket belongs to the network namespace in which it was created (network_namespaces(7)). So a
socket that listens on the host connects the host to another namespace, if a process in that
namespace accepts the connections.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

LOOPBACK = "127.0.0.1"
# Bytes to read at once.
_CHUNK = 256 * 1024
# With this `struct linger`, closing resets the connection (socket(7), SO_LINGER): the other side
# must see that it broke, and not a normal end.
_AT_ONCE = struct.pack("ii", 1, 0)


async def relay_connections(listener: socket.socket, port: int) -> asyncio.Server:
    """Connect each client of a socket to a port, until the returned server is closed.

    One direction of a connection may end before the other, as in HTTP/1.0. A connection that breaks
    on one side breaks on the other. If nothing listens on the port, it ends without a byte.
    Connections that are open when the event loop ends are cancelled, and nothing is logged.

    Args:
        listener: a listening socket, of any network namespace.
        port: port on the loopback of our own namespace.
    """
    tasks: set[asyncio.Task[None]] = set()

    # Not a coroutine: asyncio would make a task of it, and log a traceback when that is cancelled
    # (StreamReaderProtocol.connection_made), in the log where people look for Jupyter's messages.
    def handle_client(client: StreamReader, to_client: StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_relay_connection(client, to_client, port))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

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
        pass  # either side may close at any time, or refuse to connect; the other is closed as well
    finally:
        to_client.close()


async def _copy_stream(source: StreamReader, sink: StreamWriter) -> None:
    """Copy a stream to its end, no faster than the sink accepts it; on an error, reset the sink."""
    try:
        while chunk := await source.read(_CHUNK):
            sink.write(chunk)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        sink.transport.abort()
        raise
