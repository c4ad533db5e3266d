"""Archives that unpack to far more than they are: judged in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import zip_defects
from tests.support.releases import ROOT
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.forge import File

_CHILD = """
import io, resource, sys, zipfile
from pathlib import Path
from tests.support.wheels import codes, findings, make_wheel
from tests.support.forge import File

made = make_wheel()
file = File(made.file.filename, Path(sys.argv[1]).read_bytes())
findings(made.file, made)
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 64 * 1024 * 1024
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print(*sorted(codes(findings(file, made))))
try:
    zipfile.ZipFile(io.BytesIO(file.content)).read(sys.argv[2])
except MemoryError:
    print("bomb")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS and /proc are Linux's")
@pytest.mark.parametrize(
    ("defect", "member", "expected"),
    [
        (zip_defects.bomb_of_declared_size, "tensorboard/bomb.bin", "D702 Z109"),
        (zip_defects.bomb_of_lying_size, "tensorboard/bomb.bin", "D702 R304 Z109"),
        (zip_defects.bomb_of_webfiles, "tensorboard/webfiles.zip", "C602 D703"),
        (zip_defects.bomb_of_python, "tensorboard/bomb.py", "C603 D702"),
        (zip_defects.bomb_as_entry_point, "tensorboard/main.py", "C601 C603 D703"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_bombs_are_judged_in_bounded_memory(
    defect: Callable[[File], File], member: str, expected: str, tmp_path: Path
) -> None:
    """64 MB above a good wheel's suffice; for `zipfile`, the positive control, they do not."""
    bomb = tmp_path / "bomb.whl"
    bomb.write_bytes(defect(make_wheel().file).content)
    words = [sys.executable, "-c", _CHILD, str(bomb), member]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [expected, "bomb"]
