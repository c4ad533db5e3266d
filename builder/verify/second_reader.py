"""S checks: another library reads the wheel, after our own checks have seen its zip structure."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.model import Finding, FindingStatus
from builder.system.files import make_temporary_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.verify.deep import WheelBytes

_CODE = "S951"
_CHUNK = 1 << 20  # bytes of a member that are in memory at once


def check_with_wheel_library(wheel: WheelBytes, found: Sequence[Finding]) -> list[Finding]:
    """Let the library `wheel` open a wheel, and read every member against its hash in RECORD.

    It reads the stock wheel of every release, so what it refuses is no stock wheel's fault.

    Args:
        wheel: the wheel to read.
        found: what our own checks found. A wheel whose zip structure they refuse is not opened:
            it may inflate without end.
    """
    if any(f.code.startswith("Z") and f.status is FindingStatus.NEW for f in found):
        return [Finding(_CODE, "", "its zip structure has findings", FindingStatus.UNCHECKED)]
    try:
        why = _read_members(wheel)
    except OSError as error:
        place = tempfile.gettempdir()
        why = f"it cannot be written for it to {place} (TMPDIR names another): {error.strerror}"
        return [Finding(_CODE, "", why, FindingStatus.UNCHECKED)]
    return [Finding(_CODE, "", why)] if why else []


def _read_members(wheel: WheelBytes) -> str:
    """Read all members with `wheel`; return why that fails, or "".

    Raises:
        OSError: the temporary directory cannot be written.
    """
    from wheel.wheelfile import WheelFile

    with make_temporary_directory("tensorboard-wheels-check-") as workdir:
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
