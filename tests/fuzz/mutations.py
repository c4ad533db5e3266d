"""Mutations of real inputs: of bytes, and of the values in a JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

_PLACES = st.integers(0, 1 << 24)
_TELLING = st.sampled_from(
    [
        *(b"\0", b"\0\0\0\0", b"\xff\xff", b"\xff\xff\xff\xff", b"PK\1\2", b"PK\3\4", b"PK\5\6"),
        *(b"\n", b"\r", b'"', b",", b"[", b"{", b"\\", b"---", b"@@ -1 +1 @@", b"<a href="),
        b"9" * 5000,
    ]
)
# Where a slice begins (counted around), how long it is, and what comes in its place.
_EDITS = st.lists(
    st.tuples(_PLACES, st.integers(0, 64), st.binary(max_size=12) | _TELLING), max_size=5
)
_LEAVES: SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-2, 1 << 70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "2.0", "1!2", "9" * 5000, "../x", "a\0b", "9999-12-31T00:00:00Z"])
    | st.just([])
    | st.just({})
)
_CHANGES = st.lists(st.tuples(_PLACES, st.booleans(), _LEAVES), min_size=1, max_size=3)


def mutated_bytes(seeds: Sequence[bytes]) -> SearchStrategy[bytes]:
    """One of the real inputs with some slices replaced, or bytes of no sense at all."""
    edited = st.builds(_edit_bytes, st.sampled_from(seeds), _EDITS, st.none() | _PLACES)
    return edited | st.binary(max_size=200)


def mutated_json(seed: Any) -> SearchStrategy[bytes]:
    """A real document with values replaced or removed, and then perhaps bytes as well."""
    whole = _CHANGES.map(lambda changes: _change_values(seed, changes))
    return whole | mutated_bytes([json.dumps(seed).encode()])


def _edit_bytes(content: bytes, edits: list[tuple[int, int, bytes]], cut: int | None) -> bytes:
    for start, length, new in edits:
        place = start % (len(content) + 1)
        content = content[:place] + new + content[place + length :]
    return content if cut is None or cut % 3 else content[: cut % (len(content) + 1)]


def _change_values(seed: Any, changes: list[tuple[int, bool, Any]]) -> bytes:
    document = json.loads(json.dumps(seed))
    for number, remove, value in changes:
        places = list(_list_places(document))
        if not places:
            break
        holder, key = places[number % len(places)]
        if remove:
            del holder[key]
        else:
            holder[key] = value
    return json.dumps(document).encode()


def _list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All keys and indexes in a document, each with the object or array that has it."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    for key in keys:
        yield value, key
        yield from _list_places(value[key])
