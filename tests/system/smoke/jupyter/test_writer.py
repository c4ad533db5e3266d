"""The writer of the smoke notebook writes what it says, on every Python that a kernel may have."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from builder.smoke.jupyter import notebook
from builder.tensorboard.events import crc32c
from builder.tensorboard.summaries import PNG_GREY, encode_png
from tests.support import needs

if TYPE_CHECKING:
    from pathlib import Path

PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.12", "3.13")
WRITE = """
from builder.smoke.jupyter.writer import EventFileWriter, save_written_points
with EventFileWriter("logs/train") as log:
    log.write_scalar("loss", 0, 0.1)
    log.write_histogram("weights", 1, [0.0, 0.5, 1.0], [2, 3])
    log.write_image("digit", 2, [[0, 255], [128, 7]])
save_written_points("written.json", {"train": log.written})
"""


def records(data: bytes) -> list[bytes]:
    """The records of an event file, with every checksum looked at."""
    found = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        body, rest = data[12 : 12 + length], data[12 + length :]
        for checked, stored in ((data[:8], data[8:12]), (body, rest[:4])):
            crc = crc32c(checked)
            mask = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF
            assert struct.unpack("<I", stored) == (mask,)
        found.append(body)
        data = rest[4:]
    return found


def write_by(python: list[str], tmp_path: Path) -> dict[str, object]:
    """Have that Python run the shipped modules, from the directory and nothing else."""
    for path, text in notebook.read_shipped_modules().items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    code = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{WRITE}"
    done = subprocess.run(
        [*python, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "logs" / "train").iterdir()
    assert len(records(file.read_bytes())) == 4
    written: dict[str, object] = json.loads((tmp_path / "written.json").read_text())
    return written


EXPECTED = {
    "train": {
        "scalars": {"loss": [[0, struct.unpack("<f", struct.pack("<f", 0.1))[0]]]},
        "histograms": {"weights": [[1, [[0.0, 0.5, 2], [0.5, 1.0, 3]]]]},
        "images": {
            "digit": [
                [
                    2,
                    base64.b64encode(encode_png(2, [b"\x00\xff", b"\x80\x07"], PNG_GREY)).decode(
                        "ascii"
                    ),
                ]
            ]
        },
    }
}


def test_shipped_modules_are_enough(tmp_path: Path) -> None:
    """They import nothing but each other and the standard library."""
    assert write_by([sys.executable], tmp_path) == EXPECTED


@pytest.mark.parametrize("version", PYTHONS)
def test_same_on_every_python(version: str, tmp_path: Path) -> None:
    """The kernel's Python is the image's, or its era's."""
    assert write_by([str(needs.python(version))], tmp_path) == EXPECTED
