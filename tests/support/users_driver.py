"""What TensorBoard's `manager` believes, as one user of a machine; the answer is JSON, a line.

It runs in throwaway environments, with TMPDIR set: `python users_driver.py WHAT [ARGUMENT...]`.

- `known`: the ports of the TensorBoards that are known.
- `start`: what `%tensorboard --logdir logs` does.
- `serve PORT [PATH [ADDRESS]]`: listen there, and say in a file at that path, if there is one, that
  it is the TensorBoard which `start` would look for; until standard input ends.
- `register PORT`: after a line on standard input, do what a TensorBoard does that is up on a port;
  when standard input ends, what it does at its end.

With WITHOUT_OWNERS set, Python has no `os.geteuid`, as on Windows. MORE_ARGUMENTS stands behind
`--logdir logs`.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

_ARGUMENTS = ["--logdir", "logs", *os.environ.get("MORE_ARGUMENTS", "").split()]
if "WITHOUT_OWNERS" in os.environ:
    del os.geteuid
manager: Any = importlib.import_module("tensorboard.manager")


def main() -> None:
    """Do it."""
    what, *words = sys.argv[1:]
    if what == "known":
        _say(sorted(info.port for info in manager.get_all()))
    elif what == "start":
        _say(_start())
    elif what == "serve":
        _serve(*words)
    else:
        _register(*words)


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


def _facts(port: int) -> dict[str, Any]:
    return {
        "version": importlib.import_module("tensorboard.version").VERSION,
        "start_time": int(time.time()),
        "port": port,
        "pid": os.getpid(),
        "path_prefix": "",
        "logdir": "logs",
        "db": "",
        "cache_key": manager.cache_key(str(Path.cwd()), _ARGUMENTS, {}),
    }


def _start() -> dict[str, Any]:
    result = manager.start(_ARGUMENTS)
    info = getattr(result, "info", None)
    return {
        "result": type(result).__name__,
        "port": getattr(info, "port", None),
        "pid": getattr(info, "pid", None),
        "said": str(getattr(result, "stderr", ""))[-500:],
    }


def _serve(port: str, path: str = "", address: str = "127.0.0.1") -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family):
        if path:
            Path(path).write_text(json.dumps(_facts(int(port))), encoding="utf-8")
        _say(int(port))
        sys.stdin.read()


def _register(port: str) -> None:
    _say(os.getpid())
    sys.stdin.readline()
    facts = _facts(int(port))
    if hasattr(manager, "_type_timestamp"):  # 1.13
        facts["start_time"] = manager.datetime.datetime.fromtimestamp(facts["start_time"])
    manager.write_info_file(manager.TensorBoardInfo(**facts))
    _say(True)
    sys.stdin.read()
    manager.remove_info_file()
    _say(True)


if __name__ == "__main__":
    main()
