"""Read a run that grows by pieces of any size, with the TensorBoard there, and print what came.

`python growth_driver.py DIRECTORY SEED`, in a throwaway environment: JSON that says whether all
records were read in order (`same`), where in the file something else was read than had become whole
(`wrong`), what was read of a run without event files (`nothing`), and by which TensorFlow.
"""

from __future__ import annotations

import importlib
import json
import random
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

_RECORDS = 40
_AT_MOST = 300  # bytes


def main() -> None:
    """Write, read, write on, and print."""
    workdir, seed = Path(tempfile.mkdtemp(dir=sys.argv[1])), int(sys.argv[2])
    chance = random.Random(seed)  # noqa: S311 - no secret
    events = [bytes([k]) * chance.randrange(_AT_MOST) for k in range(_RECORDS)]
    whole = b"".join(map(_record, events))
    ends = [len(b"".join(map(_record, events[: k + 1]))) for k in range(_RECORDS)]
    path = workdir / "events.out.tfevents.1"
    path.write_bytes(b"")
    watcher = importlib.import_module("tensorboard.backend.event_processing.directory_watcher")
    loading = importlib.import_module("tensorboard.backend.event_processing.event_file_loader")
    loader = loading.RawEventFileLoader(str(path))
    read: list[bytes] = []
    wrong = []
    at = 0
    while at < len(whole):
        size = chance.choice((1, 3, 8, 12, 40, 500))
        with path.open("ab") as file:
            file.write(whole[at : at + size])
        at += size
        read += loader.Load()
        if len(read) != sum(end <= at for end in ends):
            wrong.append(at)
    empty = workdir / "empty"
    empty.mkdir()
    nothing = list(watcher.DirectoryWatcher(str(empty), loading.RawEventFileLoader).Load())
    compat: Any = importlib.import_module("tensorboard.compat")
    answer = {
        "same": read == events,
        "wrong": wrong,
        "nothing": nothing,
        "tensorflow": compat.tf.__version__,
    }
    print(json.dumps(answer))  # noqa: T201 - the answer


def _record(event: bytes) -> bytes:
    """As TensorFlow's record format has it: length, its checksum, event, its checksum."""
    stub = importlib.import_module("tensorboard.compat.tensorflow_stub.pywrap_tensorflow")
    length = struct.pack("<Q", len(event))
    sums = [struct.pack("<I", stub.masked_crc32c(part)) for part in (length, event)]
    return length + sums[0] + event + sums[1]


if __name__ == "__main__":
    main()
