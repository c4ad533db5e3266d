"""builder.wheel.archive and builder.wheel.rewrite, on every published wheel."""

from __future__ import annotations

import contextlib
import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from installer.sources import WheelFile as InstallerWheel

from builder.errors import WheelError
from builder.wheel import archive
from builder.wheel.member import STORED
from builder.wheel.rewrite import WheelRewrite, rewrite_wheel
from builder.wheel.serialize import FIXED_DATE, CopiedMember, StoredMember, serialize_archive
from tests.support.releases import CATALOG, stock_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import ListedWheel

WHEELS = [w for r in CATALOG.releases for w in r.wheels]
names = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20
).filter(lambda n: "/" not in n)
contents = st.dictionaries(names, st.binary(max_size=200), max_size=6)


def join(pieces: list[bytes | memoryview]) -> bytes:
    """The pieces as one file."""
    return b"".join(pieces)


@pytest.mark.parametrize("wheel", WHEELS, ids=lambda w: w.filename)
def test_identity_rewrite_gives_every_stock_file_back(wheel: ListedWheel) -> None:
    """No patch and no rename: byte for byte the published file, for all 53."""
    data = stock_path(wheel).read_bytes()
    stock = archive.parse_archive(data, wheel.filename)
    assert join(rewrite_wheel(stock, WheelRewrite(), wheel.filename)) == data
    assert join(serialize_archive(CopiedMember(m, m.name) for m in stock.members)) == data


@pytest.mark.parametrize("wheel", WHEELS, ids=lambda w: w.filename)
def test_renamed_and_changed_wheel_is_valid(wheel: ListedWheel) -> None:
    """Zipfile and installer read the rewritten wheel and agree with its RECORD and CRCs."""
    stock = archive.parse_archive(stock_path(wheel).read_bytes(), wheel.filename)
    version = wheel.filename.split("-")[1]
    changes = {"tensorboard/version.py": b"VERSION = 'x'\n", "tensorboard/new.py": b""}
    data = join(
        rewrite_wheel(stock, WheelRewrite(changes, f"other-{version}.dist-info"), wheel.filename)
    )
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert made.testzip() is None
        assert made.namelist()[-1] == f"other-{version}.dist-info/RECORD"
        assert made.read("tensorboard/version.py") == b"VERSION = 'x'\n"
        InstallerWheel(_named(made, f"other-{version}-py3-none-any.whl")).validate_record()


def test_unchanged_members_keep_bytes_times_and_modes(stock_wheel: Callable[[str], Path]) -> None:
    """What does not change is the same compressed bytes; what changes is stored at a fixed time."""
    stock = archive.parse_archive(stock_wheel("2.2.1").read_bytes(), "stock")
    changes = {"tensorboard/main.py": b"pass\n"}
    made = archive.parse_archive(join(rewrite_wheel(stock, WheelRewrite(changes), "stock")), "made")
    for old, new in zip(stock.members, made.members, strict=True):
        assert old.name == new.name
        assert old.external_attr == new.external_attr
        if new.name in ("tensorboard/main.py", "tensorboard-2.2.1.dist-info/RECORD"):
            assert (new.method, new.date, new.time) == (STORED, FIXED_DATE, 0)
        else:
            assert (old.data, old.date, old.time) == (new.data, new.date, new.time)


@given(contents)
def test_stored_archives_read_back(files: dict[str, bytes]) -> None:
    """Whatever names and contents: zipfile and our own reader find what was written."""
    data = join(serialize_archive(StoredMember(name, content) for name, content in files.items()))
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        assert {i.orig_filename: made.read(i) for i in made.infolist()} == files
    assert {m.name: m.read() for m in archive.parse_archive(data, "x").members} == files


@given(contents, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_foreign_archives_are_copied_byte_for_byte(files: dict[str, bytes], method: int) -> None:
    """What zipfile wrote, directly into a file, comes back as the same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    data = sink.getvalue()
    parsed = archive.parse_archive(data, "x")
    assert join(serialize_archive(CopiedMember(m, m.name) for m in parsed.members)) == data
    assert {m.name: m.read() for m in parsed.members} == files


@given(st.binary(max_size=300))
def test_anything_else_is_a_wheel_error(data: bytes) -> None:
    """Bytes that are no zip file give our error and no other."""
    with contextlib.suppress(WheelError):
        archive.parse_archive(data, "x")


def test_lying_sizes_are_noticed() -> None:
    """A member that inflates to more or less than it declares cannot be read."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a", b"x" * 1000)
    data = sink.getvalue()
    for wrong in (999, 1001):
        lying = data.replace((1000).to_bytes(4, "little"), wrong.to_bytes(4, "little"))
        (member,) = archive.parse_archive(lying, "x").members
        with pytest.raises(WheelError, match="declares"):
            member.read()


def _named(made: zipfile.ZipFile, filename: str) -> zipfile.ZipFile:
    made.filename = filename
    return made
