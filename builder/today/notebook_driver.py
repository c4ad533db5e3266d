"""Load the notebook extension in real IPython and let it display a running server.

A script, not a module of ours: it runs in the Python under test, which may be 3.7. Arguments: the
directory that holds IPython (it comes last on the path, so that nothing in it hides or replaces
what the wheel brought), and the port of the server. The HTML that was displayed goes to stdout.
"""

from __future__ import annotations

import importlib
import sys

sys.path.append(sys.argv[1])

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Any
from traitlets.config import Config


class KernelShell(InteractiveShell):
    """A shell that says it belongs to a kernel: TensorBoard displays frames in such shells only."""

    kernel = Any()


def main(port: int) -> None:
    """Load, look for the magic, display; what goes wrong is raised."""
    config = Config()
    config.HistoryManager.enabled = False
    shell = KernelShell.instance(config=config, display_pub_class=CapturingDisplayPublisher)
    shell.run_line_magic("load_ext", "tensorboard")
    if "tensorboard" not in shell.magics_manager.magics["line"]:
        raise LookupError("the extension registered no %tensorboard")
    importlib.import_module("tensorboard.notebook").display(port=port, height=600)
    publisher = shell.display_pub
    assert isinstance(publisher, CapturingDisplayPublisher)  # noqa: S101 - for the type checker
    for output in publisher.outputs:
        sys.stdout.write(output["data"].get("text/html", "") + "\n")


main(int(sys.argv[2]))
