"""The kernel's table of sockets, as `only` reads it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder.smoke.probes.exposure import parse_listeners

_ADDRESS = st.sampled_from(["0100007F", "00000000", "0" * 32])


@given(st.lists(st.tuples(_ADDRESS, st.integers(1, 65535), st.booleans()), max_size=20))
def test_every_listener_is_found(sockets: list[tuple[str, int, bool]]) -> None:
    """Whatever else stands in the table, and in whatever order."""
    lines = ["  sl  local_address rem_address   st tx_queue"]
    for k, (address, port, listens) in enumerate(sockets):
        state = "0A" if listens else "01"
        lines.append(f"   {k}: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000")
    wanted: dict[int, set[str]] = {}
    for address, port, listens in sockets:
        if listens:
            wanted.setdefault(port, set()).add(address)
    assert parse_listeners("\n".join(lines)) == wanted


@given(st.text(max_size=200))
def test_it_reads_anything(text: str) -> None:
    """A table in a form that nobody knew gives no listeners, and no error of another kind."""
    for addresses in parse_listeners(text).values():
        assert addresses
