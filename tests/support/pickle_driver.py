"""Read pickles of a log directory as Beholder does, and print what came of it as JSON.

`python pickle_driver.py DIRECTORY`, in a throwaway environment with TensorFlow in it.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any


class Other:
    """Its pickle makes a directory when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """What is called, and with what."""
        return os.mkdir, (str(self.path),)


def main() -> None:
    """Write, read, print."""
    workdir = Path(sys.argv[1])
    tools: Any = importlib.import_module("tensorboard.plugins.beholder.file_system_tools")
    ran = workdir / "ran"
    values = {"plain": [{"name": "a", "mean": "1e0"}], "other": Other(ran)}
    reported: dict[str, Any] = {}
    for name, value in values.items():
        path = workdir / f"{name}.pkl"
        path.write_bytes(pickle.dumps(value))
        reported[name] = tools.read_pickle(str(path), default=[])
    print(json.dumps({**reported, "ran": ran.exists()}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
