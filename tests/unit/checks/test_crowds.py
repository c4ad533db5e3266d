"""Wheels of very many members: each content, module and name is looked at once, or not at all."""

from __future__ import annotations

import ast
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from builder.checks import wheel_under_check
from builder.errors import WheelError
from builder.wheel import archive
from tests.support import forge
from tests.support.wheels import findings, small_wheel

if TYPE_CHECKING:
    from builder.wheel.member import ZipMember


def test_a_stock_member_is_hashed_once_for_all_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many members of one name were each compared with the same content, hashed anew."""
    hashed: Counter[str] = Counter()
    hash_member = wheel_under_check.hash_member

    def count(found: ZipMember) -> Any:
        hashed[found.name] += found.size > 100  # those that are added are smaller
        return hash_member(found)

    monkeypatch.setattr(wheel_under_check, "hash_member", count)
    made = small_wheel()
    name = b"tensorboard/webfiles.zip"
    added = [forge.stored(name, b"%d" % number) for number in range(20)]
    findings(
        made.file._replace(content=forge.write([*forge.read(made.file.content), *added])), made
    )
    # As what it is, as the stock wheel's, and where the stock wheel itself is checked.
    assert hashed[name.decode()] <= 3


def test_a_module_is_walked_once_for_all_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry point that names a module walked through all of it."""
    walked: list[ast.AST] = []
    walk = ast.walk

    def count(tree: ast.AST) -> Any:
        walked.append(tree)
        return walk(tree)

    monkeypatch.setattr(ast, "walk", count)
    made = small_wheel()
    lines = "".join(f"n{number}=tensorboard.main:nothing\n" for number in range(20))
    text = f"[console_scripts]\n{lines}".encode()
    path = f"{made.file.dist_info}entry_points.txt"
    found = findings(forge.edit(made.file, path, lambda _: text), made)
    assert sum("does not define nothing" in f.detail for f in found) == 20
    assert len(walked) <= 3  # the stock wheel's two entry points name two more


def test_a_name_that_is_too_long_is_not_normalised() -> None:
    """Combining marks are sorted in quadratic time: 16,000 pairs of them took two seconds."""
    made = small_wheel()
    name = ("\u0315\u0300" * 15_000).encode()
    added = forge.stored(name, b"", flags=0x800)
    file = made.file._replace(content=forge.write([*forge.read(made.file.content), added]))
    reasons = [f.detail for f in findings(file, made) if f.code == "Z104"]
    assert reasons == ["it has more than 260 characters"]


def test_content_is_inflated_no_further_than_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that share their data and declare nothing cost nothing."""
    limits: list[int] = []
    make_engine = zlib.decompressobj

    class Engine:
        def __init__(self) -> None:
            self._engine = make_engine(-zlib.MAX_WBITS)

        def decompress(self, data: bytes, limit: int) -> bytes:
            limits.append(limit)
            return self._engine.decompress(data, limit)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._engine, name)

    monkeypatch.setattr(zlib, "decompressobj", lambda _: Engine())
    data = forge.deflate(b"\0" * 1_000_000)
    (found,) = archive.parse_archive(forge.write([forge.Entry(b"x", data, 0, 9, 8)]), "x").members
    with pytest.raises(WheelError, match="inflates to more than the 9 bytes"):
        found.read()
    assert limits == [10]


@pytest.mark.parametrize(
    ("filename", "code"),
    [("RECORD", "R301"), ("METADATA", "M401"), ("WHEEL", "W501"), ("entry_points.txt", "C601")],
)
def test_what_is_too_big_to_be_read_is_called_so(filename: str, code: str) -> None:
    """RECORD of 65,000 members is: it is neither missing nor broken."""
    made = small_wheel()
    path = f"{made.file.dist_info}{filename}"
    file = forge.edit_unsealed(made.file, path, lambda _: b"x" * (wheel_under_check.MAX_TEXT + 1))
    reasons = [f.detail for f in findings(file, made) if f.code == code]
    assert reasons == [f"{filename} is bigger than the 1048576 bytes that this tool reads"]
