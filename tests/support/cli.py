"""What tests of the command line share: how it is run, and the wheel that most of them build."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "tensorboardtmp-2.2.1-py3-none-any.whl"
STOCK = "tensorboard-2.2.1-py3-none-any.whl"
STOCK_SHA256 = "9a2a2dc9856187679e93f3c95e5dc771dd47e3257db09767b4be118d734b4dc2"

Finished = subprocess.CompletedProcess[str]
RunBuilder = Callable[..., Finished]


def sha256(path: Path) -> str:
    """Of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
