"""builder.smoke.engines.relay: what goes in at one end comes out at the other; ends come across."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.smoke.engines import relay
from builder.system.ports import find_free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
DEADLINE = 20.0


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[int]:
    """A relay to that port; where to reach it."""
    listener = socket.create_server((relay.LOOPBACK, 0))
    async with await relay.relay_connections(listener, port):
        yield listener.getsockname()[1]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[int]:
    """A server of ours, and where to reach it through a relay."""
    server = await asyncio.start_server(handler, relay.LOOPBACK, 0)
    async with server, relayed(server.sockets[0].getsockname()[1]) as port:
        yield port


@asynccontextmanager
async def call(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of a caller."""
    reader, writer = await asyncio.open_connection(relay.LOOPBACK, port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, from the first byte on, and end when the caller has."""
    while chunk := await reader.read(1 << 16):
        writer.write(chunk)
        await writer.drain()
    writer.close()


def play(scene: Awaitable[None]) -> None:
    """Run a scene, but not for ever."""

    async def limited() -> None:
        async with asyncio.timeout(DEADLINE):
            await scene
            while others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others)
            await asyncio.sleep(0)  # sockets close one turn later

    asyncio.run(limited())


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=3000), max_size=8), repeat=st.integers(1, 300)
)
def test_all_bytes_arrive_in_order(pieces: list[bytes], repeat: int) -> None:
    """Both directions at once, whatever the pieces, up to 7 MB."""

    async def send(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece * repeat)
            await writer.drain()
        writer.write_eof()

    async def scene() -> None:
        async with served(echo) as port, call(port) as (reader, writer):
            sending = asyncio.create_task(send(writer))
            assert await reader.read() == b"".join(piece * repeat for piece in pieces)
            await sending

    play(scene())


def test_an_answer_may_come_after_the_end_of_the_question() -> None:
    """One direction ends, the other goes on."""

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"%d bytes" % len(await reader.read()))
        writer.close()

    async def scene() -> None:
        async with served(count) as port, call(port) as (reader, writer):
            writer.write(b"x" * 100_000)
            writer.write_eof()
            assert await reader.read() == b"100000 bytes"

    play(scene())


def test_many_at_once_do_not_mix() -> None:
    """Forty callers, each gets its own."""

    async def ask(port: int, number: int) -> bytes:
        async with call(port) as (reader, writer):
            writer.write(b"%d" % number * 50_000)
            writer.write_eof()
            return await reader.read()

    async def scene() -> None:
        async with served(echo) as port:
            answers = await asyncio.gather(*(ask(port, n) for n in range(40)))
        assert answers == [b"%d" % n * 50_000 for n in range(40)]

    play(scene())


def test_nobody_behind_it_ends_the_connection() -> None:
    """No byte and no hanging, and the next caller is served as soon as there is somebody."""

    async def scene() -> None:
        behind = find_free_port()
        async with relayed(behind) as port:
            async with call(port) as (reader, _):
                assert await reader.read() == b""
            server = await asyncio.start_server(echo, relay.LOOPBACK, behind)
            async with server, call(port) as (reader, writer):
                writer.write(b"now?")
                assert await reader.readexactly(4) == b"now?"

    play(scene())


def test_a_broken_connection_is_seen_as_broken() -> None:
    """A reset is no end: half an answer must not pass for a whole one."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        linger = struct.pack("ii", 1, 0)  # closes with a reset (socket(7), SO_LINGER)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async def scene() -> None:
        async with served(cut) as port, call(port) as (reader, writer):
            writer.write(b"half")
            with pytest.raises(ConnectionResetError):
                await reader.read()

    play(scene())


def test_a_caller_that_goes_is_gone_behind_it_too() -> None:
    """Else a long answer would be made for nobody."""
    signalled = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        try:
            while True:
                writer.write(b"x" * 100_000)
                await writer.drain()
        except ConnectionError:
            signalled.set()

    async def scene() -> None:
        async with served(talk) as port, call(port) as (reader, writer):
            await reader.readexactly(10)
            writer.transport.abort()
            await signalled.wait()

    play(scene())


def test_it_takes_no_more_than_the_other_end_takes() -> None:
    """A slow reader slows the sender down; nothing piles up in between."""
    sent = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        del reader
        with suppress(ConnectionError):  # the caller goes away in the end
            while sent < 200_000_000:
                writer.write(b"x" * 100_000)
                await writer.drain()
                sent += 100_000

    async def scene() -> None:
        async with served(talk) as port, call(port) as (reader, writer):
            await reader.readexactly(10)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.2)
            writer.transport.abort()
            assert 0 < sent < 100_000_000

    play(scene())


def test_open_connections_end_with_the_loop_without_a_word() -> None:
    """What ends with Jupyter writes no traceback below what Jupyter has said last."""
    signalled: list[str] = []

    async def scene(ends: ExitStack) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: signalled.append(context["message"]))
        behind, listener = (
            ends.enter_context(socket.create_server((relay.LOOPBACK, 0))) for _ in range(2)
        )
        behind.setblocking(False)
        await relay.relay_connections(listener, behind.getsockname()[1])
        ends.enter_context(socket.create_connection(listener.getsockname()))
        async with asyncio.timeout(DEADLINE):
            ends.enter_context((await loop.sock_accept(behind))[0])

    with ExitStack() as ends:
        asyncio.run(scene(ends))
    assert signalled == []
