"""Load the notebook extension in real IPython and let it display a running server.

A script, not a module to import: it runs in the Python under test, which may be 3.7. Its
arguments are the directory that holds IPython and the server's port. That directory comes last
on the path, so that nothing in it hides or replaces what the wheel brought. The HTML that was
displayed goes to stdout.
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
    """A shell with a `kernel`, as in Jupyter: only in such shells TensorBoard displays frames."""

    kernel = Any()


def main(port: int) -> None:
    """Load the extension, check that it registers the magic, and display the server.

    Raises:
        LookupError: the magic is not there. What IPython or TensorBoard raises is not caught.
    """
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
