"""List what a statement says that no rebuild shows.

in-toto and SLSA want a reader to ignore fields that it does not know, so they are no error. But
whoever reads a verified statement should not take them for verified: they are printed as what they
are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Fields of internalParameters that a rebuild has too, but that may differ from it.
_CATALOG_FIELDS = ("catalogEntry", "sourceCommit")
_LONGEST = 80  # characters of a path or a value
_MAX_SHOWN = 20


def list_unverified_fields(claimed: bytes, rebuilt: bytes) -> list[str]:
    """List the fields of a statement that are not verified by comparing it with a rebuild's.

    These are who built the wheel, with what and when (`runDetails`), the facts of the catalog where
    today's are others, and every field at any level that the rebuild's statement does not have.

    Args:
        claimed: a statement that `builder.provenance.claims.compare_statements` has accepted.
        rebuilt: the statement of the rebuild.

    Returns:
        The path and the value of each field, in one short printable line each.
    """
    theirs, ours = (msgspec.json.decode(content) for content in (claimed, rebuilt))
    # Without values of ours, each one of theirs counts as unknown.
    ours["predicate"]["runDetails"] = {"builder": {"version": {}}, "metadata": {}}
    internal = ours["predicate"]["buildDefinition"]["internalParameters"]
    their_internal = theirs["predicate"]["buildDefinition"]["internalParameters"]
    for name in _CATALOG_FIELDS:
        if internal.get(name) != their_internal.get(name):
            internal.pop(name, None)
    fields = [
        f"{_shorten_path(path)} {_show_value(value)}"
        for path, value in _find_new_fields(theirs, ours, "")
    ]
    more = len(fields) - _MAX_SHOWN
    return fields if more <= 0 else [*fields[:_MAX_SHOWN], f"and {more} more"]


def _find_new_fields(theirs: Any, ours: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Find the fields of objects at any level that `ours` does not have."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        yield from _find_new_fields_of_objects(theirs, ours, path)
    elif isinstance(theirs, list) and isinstance(ours, list):
        for number, (one, other) in enumerate(zip(theirs, ours, strict=False)):
            yield from _find_new_fields(one, other, f"{path}[{number}]")
    elif isinstance(ours, dict | list):
        yield path, theirs  # of another type than ours, so there is no field to compare


def _find_new_fields_of_objects(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], path: str
) -> Iterator[tuple[str, Any]]:
    for key, value in theirs.items():
        name = key if key.isprintable() else json.dumps(key)
        below = f"{path}.{name}" if path else name
        if key in ours:
            yield from _find_new_fields(value, ours[key], below)
        else:
            yield below, value


def _shorten_path(path: str) -> str:
    """Leave out what every statement has around its fields."""
    for around in ("predicate.", "runDetails.", "buildDefinition."):
        path = path.removeprefix(around)
    return _cut(path)


def _show_value(value: Any) -> str:
    text = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
