"""Two wheels compared member by member: identical, explained, or different."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.build.equivalence import (
    PACKING_REASON,
    PERMISSIONS_REASON,
    RECORD_RULE,
    RULES,
    WheelComparison,
    compare_wheels,
)
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Mapping

INFO = "x-1.dist-info"
METADATA = b"Metadata-Version: 2.1\nName: x\nRequires-Dist: absl-py (>=0.4)\n\nText.\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: bdist_wheel (0.34.2)\nRoot-Is-Purelib: true\n"
MODULE = {"x/a.py": b"A = 1\n"}


def _wheel(
    members: Mapping[str, bytes], year: int = 2020, mode: int = 0o644, method: int = 8
) -> archive.Archive:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as target:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.external_attr, info.compress_type = (0o100000 | mode) << 16, method
            target.writestr(info, content)
    return archive.parse_archive(packed.getvalue(), "x")


def _compare(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> WheelComparison:
    return compare_wheels(_wheel(one), _wheel(other))


def _zip(year: int, text: bytes = b"page") -> bytes:
    return bytes(_wheel({"index.html": text}, year).data)


def test_the_same_wheel_is_identical() -> None:
    """Nothing to explain."""
    assert _compare(MODULE, MODULE) == WheelComparison(1, (), ())


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("x/webfiles.zip", _zip(2020), _zip(2021)),
        (f"{INFO}/WHEEL", WHEEL, WHEEL.replace(b"bdist_wheel (0.34.2)", b"setuptools (80)")),
        (f"{INFO}/METADATA", METADATA, METADATA.replace(b"2.1", b"2.4")),
        (f"{INFO}/METADATA", METADATA, METADATA.replace(b"absl-py (>=0.4)", b"absl-py>=0.4")),
        (f"{INFO}/METADATA", METADATA, METADATA.replace(b"Name", b"License-File: L\nName")),
    ],
)
def test_known_reasons_are_explained(name: str, one: bytes, other: bytes) -> None:
    """Each with the reason of its rule."""
    found = _compare({name: one, **MODULE}, {name: other, **MODULE})
    assert found.different == ()
    assert found.identical == 1
    assert [said.path for said in found.explained] == [name]
    assert found.explained[0].why in {rule.reason for rule in RULES}


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("x/a.py", b"A = 1\n", b"A = 2\n"),
        ("x/webfiles.zip", _zip(2020), _zip(2020, b"another")),
        ("x/webfiles.zip", _zip(2020), b"no zip"),
        (f"{INFO}/WHEEL", WHEEL, WHEEL.replace(b"true", b"false")),
        (f"{INFO}/METADATA", METADATA, METADATA.replace(b"0.4", b"0.5")),
        (f"{INFO}/METADATA", METADATA, METADATA.replace(b"Text", b"Test")),
        (f"{INFO}/entry_points.txt", b"[a]\n", b"[b]\n"),
    ],
)
def test_what_no_rule_proves_is_different(name: str, one: bytes, other: bytes) -> None:
    """A path that a rule is about is not enough."""
    assert [said.path for said in _compare({name: one}, {name: other}).different] == [name]


def test_members_that_one_lacks_are_different() -> None:
    """Whichever it is."""
    for found in (_compare(MODULE, {}), _compare({}, MODULE)):
        assert [said.path for said in found.different] == ["x/a.py"]


def test_packing_and_permissions_are_explained_but_for_programs() -> None:
    """Time, compression and mode of the same content; a program's mode matters."""
    assert compare_wheels(_wheel(MODULE), _wheel(MODULE, 2021)).reasons == {PACKING_REASON: 1}
    assert compare_wheels(_wheel(MODULE), _wheel(MODULE, method=0)).reasons == {PACKING_REASON: 1}
    assert compare_wheels(_wheel(MODULE), _wheel(MODULE, mode=0o755)).reasons == {
        PERMISSIONS_REASON: 1
    }
    program = {"x/run": b"#!/bin/sh\n"}
    assert compare_wheels(_wheel(program), _wheel(program, mode=0o755)).different


def test_record_may_differ_only_where_its_members_do() -> None:
    """Its rows are held against what became of the members."""

    def both(generator: bytes, *, lie: bool) -> dict[str, bytes]:
        wheel = WHEEL.replace(b"(0.34.2)", generator)
        rows = f"x/a.py,sha256=A{'B' if lie else ''},6\n{INFO}/WHEEL,sha256={generator!r},9\n"
        record = rows + f"{INFO}/RECORD,,\n"
        return {**MODULE, f"{INFO}/WHEEL": wheel, f"{INFO}/RECORD": record.encode()}

    honest = _compare(both(b"(1)", lie=False), both(b"(2)", lie=False))
    assert honest.different == ()
    assert honest.reasons[RECORD_RULE.reason] == 1
    lying = _compare(both(b"(1)", lie=False), both(b"(2)", lie=True))
    assert [said.path for said in lying.different] == [f"{INFO}/RECORD"]


_NAMES = st.sampled_from(["x/a.py", "x/w.zip", f"{INFO}/METADATA", f"{INFO}/WHEEL", "x/b"])
_TREES = st.dictionaries(_NAMES, st.binary(max_size=40))


@given(_TREES, _TREES)
def test_any_two_trees_are_compared_the_same_way_round(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    """Every member is counted once, and which wheel is first does not matter."""
    found, turned = _compare(one, other), _compare(other, one)
    assert found.identical + len(found.explained) + len(found.different) == len({*one, *other})
    assert found.identical == turned.identical
    assert {s.path for s in found.different} == {s.path for s in turned.different}
