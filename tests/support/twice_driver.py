"""Start TensorBoard twice in one process, with dynamic plugins named twice; print what it lists.

`python twice_driver.py LOGDIR`, in a throwaway environment with the plugin `good`.
"""

from __future__ import annotations

import importlib
import json
import sys
import urllib.request
from typing import Any


def main() -> None:
    """Start, ask, print."""
    default: Any = importlib.import_module("tensorboard.default")
    program: Any = importlib.import_module("tensorboard.program")
    good: Any = importlib.import_module("foreign.good")
    listed = []
    for _ in range(2):
        plugins = default.get_plugins() + default.get_dynamic_plugins()
        board = program.TensorBoard(plugins)
        board.configure(argv=["", "--logdir", sys.argv[1], "--port", "0", "--load_fast", "false"])
        with urllib.request.urlopen(f"{board.launch()}data/plugins_listing") as answer:  # noqa: S310
            listed.append(sorted(json.load(answer)))
    kept = good.Plugin in default.get_dynamic_plugins()
    print(json.dumps({"listed": listed, "kept": kept}))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
