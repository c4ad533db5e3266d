"""Hostile bytes: the checks never raise, never grow without bound, and never let one pass."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from builder.checks.table import STATIC_CODES
from builder.errors import WheelError
from builder.wheel import archive
from tests.support import forge, wheel_defects
from tests.support.wheels import codes, findings, make_wheel, small_wheel

if TYPE_CHECKING:
    from builder.model import Finding
    from tests.support.forge import File
    from tests.support.wheels import Made


def judged(file: File, made: Made) -> list[Finding] | None:
    """The findings, all well-formed; None for a file that cannot be read as an archive."""
    try:
        found = findings(file, made)
    except WheelError:
        return None
    for finding in found:
        assert finding.code in STATIC_CODES
        assert isinstance(finding.subject, str)
        assert finding.detail
    return found


telling = st.sampled_from([b"\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", b"PK\5\6"])
places = st.integers(0, 1 << 24)
# Where a slice begins (counted around), how long it is, and what comes in its place.
edits = st.lists(
    st.tuples(places, st.integers(0, 64), st.binary(max_size=8) | telling), min_size=1, max_size=4
)


def edited(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """The bytes with those slices replaced: flips, cuts, insertions, fields of telling values."""
    for start, length, new in changes:
        place = start % len(content) if content else 0
        content = content[:place] + new + content[place + length :]
    return content


@settings(max_examples=120)
@given(edits)
def test_damaged_bytes_give_findings_and_nothing_else(
    changes: list[tuple[int, int, bytes]],
) -> None:
    """Whatever happens to a file: it is refused, or judged, and never passes."""
    made = small_wheel()
    content = edited(made.file.content, changes)
    found = judged(made.file._replace(content=content), made)
    assert found is None or content == made.file.content or codes(found)


@settings(max_examples=15)
@given(edits, st.none() | places)
def test_damaged_real_wheels_give_findings_and_nothing_else(
    changes: list[tuple[int, int, bytes]], cut: int | None
) -> None:
    """The same for a wheel as large as real ones, and for downloads that were cut short."""
    made = make_wheel()
    content = edited(made.file.content, changes)
    content = content if cut is None else content[: cut % len(content)]
    found = judged(made.file._replace(content=content), made)
    assert found is None or content == made.file.content or codes(found)


@settings(max_examples=80)
@given(places, st.integers(0, 7))
def test_no_single_bit_can_change_unnoticed(place: int, bit: int) -> None:
    """Header, name, time, mode, data, directory: each bit of the file is somebody's business."""
    made = small_wheel()
    content = bytearray(made.file.content)
    content[place % len(content)] ^= 1 << bit
    found = judged(made.file._replace(content=bytes(content)), made)
    assert found is None or codes(found)


line = st.sampled_from(
    """Metadata-Version: 2.1|Name: tensorboardtmp|Version: 2.2.1|Version: 1!|Requires-Dist: six|
    Requires-Dist: a @ x:|Content-Type: multipart/mixed; boundary=x|Content-Type: message/rfc822|
    Description-Content-Type: text/markdown; charset=x|Content-Transfer-Encoding: base64|--x|
    Subject: =?utf-16?q?=ff?=|Tag: py2.py3-none-any|Tag: a|Build:|Root-Is-Purelib: |From x|
    License-File: ../x|License-File:|Project-URL: x|Keywords: a,b|[console_scripts]|[DEFAULT]|
    tensorboard = tensorboard.main:run_main [x]|tensorboard =|a:b|%(a)s = %|tensorboard.a,sha256=|
    tensorboard/main.py,sha384=x,1|"a|x,,""".replace("\n    ", "").split("|")
)
text = st.lists(line.map(str.encode) | st.binary(max_size=12), max_size=12).flatmap(
    lambda lines: st.sampled_from([b"\n", b"\r\n", b"\r", b"\n "]).map(lambda end: end.join(lines))
)
METADATA_FILES = ("METADATA", "WHEEL", "RECORD", "entry_points.txt")


@settings(max_examples=120)
@given(st.dictionaries(st.sampled_from(METADATA_FILES), text, min_size=1, max_size=2))
@example({"METADATA": b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x--\n"})
@example({"METADATA": b"Version: " + b"1" * 5000 + b"\n"})
@example({"entry_points.txt": b"x\n" * 100_000})
@example({"RECORD": b"tensorboard/main.py,sha512=,\n" * 20_000})
def test_whatever_the_metadata_files_say_is_judged(contents: dict[str, bytes]) -> None:
    """Other people's parsers work on these; none of their exceptions gets through."""
    made = small_wheel()
    file = made.file
    for name, content in contents.items():
        file = forge.edit_unsealed(file, f"{file.dist_info}{name}", partial(_instead, content))
    assert codes(judged(file, made) or [])


@settings(max_examples=80)
@given(st.binary(max_size=60), st.sampled_from(["tensorboard/main.py", wheel_defects.WEBFILES]))
@example(b"# coding: undefined\n", "tensorboard/main.py")
@example(b"# coding: utf-7\n+", "tensorboard/main.py")
@example(b"# coding: idna\nx", "tensorboard/main.py")
@example(b"(" * 150 + b"x" + b")" * 150, "tensorboard/main.py")
@example(b"f" + b"'{" * 90_000, "tensorboard/main.py")
@example(b"x." * 90_000 + b"x", "tensorboard/main.py")
@example(b"x = '\\d'\n", "tensorboard/main.py")
def test_whatever_the_content_says_is_judged(content: bytes, path: str) -> None:
    """A module, or the archive with the page, of any bytes."""
    made = small_wheel()
    assert codes(judged(forge.edit(made.file, path, lambda _: content), made) or [])


@settings(max_examples=60)
@given(edits)
def test_whatever_the_inner_archive_holds_is_judged(changes: list[tuple[int, int, bytes]]) -> None:
    """The archive with the page is as hostile as the outer one."""
    made = small_wheel()
    file = forge.edit(made.file, wheel_defects.WEBFILES, lambda old: edited(old, changes) + b" ")
    assert codes(judged(file, made) or [])


@given(st.text(max_size=40))
@example("tensorboardtmp-" + "9" * 5000 + "-py3-none-any.whl")
@example("tensorboardtmp-2.2.1-py3-" + ".".join("ab" * 300) + "-any.whl")
@example("TENSORBOARD-2.2.1-py3-none-any.whl")
@settings(max_examples=60)
def test_whatever_the_file_is_called_is_judged(filename: str) -> None:
    """The file name comes from strangers too."""
    made = small_wheel()
    assert codes(judged(made.file._replace(filename=filename), made) or [])


def test_many_entries_of_one_place_stay_small() -> None:
    """Sixty thousand entries that share one huge local header do not multiply it."""
    name = b"n" * 60_000
    one = forge.stored(name, b"")
    more = [replace(one, name=b"%d" % i, at=name) for i in range(60_000)]
    data = forge.write([one, *more])
    assert len(data) < 4_000_000
    members = archive.parse_archive(data, "x").members
    assert len({id(m.local.name) for m in members}) == 1


def _instead(new: bytes, _: bytes) -> bytes:
    return new
