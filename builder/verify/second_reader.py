"""S checks: another library reads the wheel, after our own checks have seen its zip structure."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.checks.table import READER_CODES
from builder.model import Finding, FindingStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.verify.deep import WheelBytes

_CHUNK = 1 << 20  # bytes of a member that are in memory at once


def check_with_wheel_library(
    wheel: WheelBytes, stock: WheelBytes | None, found: Sequence[Finding]
) -> list[Finding]:
    """Let the library `wheel` open a wheel, and read every member against its hash in RECORD.

    Args:
        wheel: the wheel to read.
        stock: its stock wheel, whose fault is inherited, or None.
        found: what our own checks found. A wheel whose zip structure they refuse is not opened:
            it may inflate without end.
    """
    if any(f.code.startswith("Z") and f.status is FindingStatus.NEW for f in found):
        why = "its zip structure has findings"
        return [Finding(code, "", why, FindingStatus.UNCHECKED) for code in READER_CODES]
    why = _read_members(wheel)
    if not why:
        return []
    is_inherited = stock is not None and bool(_read_members(stock))
    status = FindingStatus.INHERITED if is_inherited else FindingStatus.NEW
    return [Finding(code, "", why, status) for code in READER_CODES]


def _read_members(wheel: WheelBytes) -> str:
    """Read all members with `wheel`; return why that fails, or ""."""
    from wheel.wheelfile import WheelFile

    with tempfile.TemporaryDirectory(prefix="check-") as workdir:
        path = Path(workdir, wheel.filename)
        path.write_bytes(wheel.content)
        try:
            with WheelFile(path) as reader:
                for member in reader.infolist():
                    with reader.open(member) as opened:
                        while opened.read(_CHUNK):
                            pass
        except Exception as error:  # whatever it raises, it does not read this wheel
            return f"{type(error).__name__}: {error}"
    return ""
