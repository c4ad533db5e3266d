"""Call a release's real `_display_ipython` under real IPython, and tell what it displayed.

A script, not a module of ours: it runs in the Python under test, which may be 3.7. The request
comes as JSON on stdin, the answers go as JSON to stdout, one per call and in their order.

    {"wheel": path of the stock wheel, which gives the `tensorboard` package,
     "patched": text of the patched notebook.py,
     "calls": [{"module": "stock" or "patched", "value": of the variable or null, "port": int,
                "height": int, "seed": int, "handle": whether to pass a display handle}]}

    [{"outputs": what IPython published, "stderr": text, "error": of the exception, or null}]
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import random
import sys
import types
import warnings

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from traitlets.config import Config

VARIABLE = "TENSORBOARD_PROXY_URL"


def start_shell() -> CapturingDisplayPublisher:
    """Start IPython without a history file; gives the publisher that keeps what is displayed."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(
        config=config, display_pub_class=CapturingDisplayPublisher, profile="default"
    )
    publisher = shell.display_pub
    assert isinstance(publisher, CapturingDisplayPublisher)
    return publisher


def load_patched(source: str) -> types.ModuleType:
    """Execute the patched text as `tensorboard.notebook`, among the stock package's modules."""
    module = types.ModuleType("tensorboard.notebook")
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntaxWarning)
        code = compile(source, "tensorboard/notebook.py", "exec")
    exec(code, vars(module))  # noqa: S102 - running the patched file is the point
    return module


def call(
    module: types.ModuleType, publisher: CapturingDisplayPublisher, request: dict[str, object]
) -> dict[str, object]:
    """Make one call with every warning an error and a stderr that takes nothing but ASCII."""
    os.environ.pop(VARIABLE, None)
    if request["value"] is not None:
        os.environ[VARIABLE] = str(request["value"])
    handle = None
    if request["handle"]:
        handle = display("Launching", display_id="frame")  # type: ignore[no-untyped-call]
    publisher.outputs.clear()
    random.seed(str(request["seed"]))
    stderr = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="", write_through=True)
    error = None
    with warnings.catch_warnings(), contextlib.redirect_stderr(stderr):
        warnings.simplefilter("error")
        # The stock frame of 1.15.0-2.1.1, which Python 3.7 still runs.
        warnings.filterwarnings("ignore", "cgi.escape is deprecated")
        try:
            module._display_ipython(  # noqa: SLF001 - what the patches change
                request["port"], request["height"], handle
            )
        except Exception as exception:
            error = f"{type(exception).__name__}: {exception}"
    stderr.seek(0)
    return {"outputs": list(publisher.outputs), "stderr": stderr.read(), "error": error}


def main() -> None:
    """Answer the request on stdin."""
    request = json.load(sys.stdin)
    publisher = start_shell()
    sys.path.insert(0, request["wheel"])
    stock = importlib.import_module("tensorboard.notebook")
    modules = {"stock": stock, "patched": load_patched(request["patched"])}
    answers = [call(modules[c["module"]], publisher, c) for c in request["calls"]]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
