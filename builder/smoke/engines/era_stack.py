"""Jupyter of a release's own era: what to install, and the command that starts it.

Measured: at the dates of all 45 releases the requirements below resolve by date alone, and
jupyter-server-proxy enables itself. JupyterLab 3 (January 2021) moved from the notebook server to
jupyter-server, which renames every setting from `NotebookApp` to `ServerApp`, and brought
nbclassic, the classic front end on that server. Notebook 7 came in July 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from builder.errors import SmokeError
from builder.smoke.engines import stack
from builder.smoke.model import Frontend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.releases.eras import Era
    from builder.smoke.model import Deployment

_NBCLASSIC = "nbclassic"
_NBCLASSIC_SINCE = "2021-01"


def list_era_requirements(era: Era) -> tuple[str, ...]:
    """Jupyter's requirements at that time: today's, without those that did not exist yet.

    Args:
        era: its dates are RFC 3339 texts, which sort by time.
    """
    has_nbclassic = era.until >= _NBCLASSIC_SINCE
    return tuple(r for r in stack.JUPYTER_REQUIREMENTS if has_nbclassic or r != _NBCLASSIC)


def has_commands(era: Era) -> bool:
    """Whether the front ends of that time have a command to run all cells (JupyterLab 3)."""
    return era.until >= _NBCLASSIC_SINCE


def build_era_command(
    deployment: Deployment, versions: Mapping[str, str], *, ip: str, port: int
) -> list[str]:
    """Build the command that serves a front end with the installed packages, by any user.

    Args:
        deployment: what to serve.
        versions: name → version of the installed packages.
        ip: the address to listen on.
        port: the port to listen on.

    Raises:
        SmokeError: that front end did not exist yet.
    """
    if deployment.frontend is Frontend.NOTEBOOK and Version(versions["notebook"]).major < 7:
        raise SmokeError(
            f"Notebook 7 was not there yet: the newest of that time is {versions['notebook']}",
            "the same page was JupyterLab's then, or classic",
        )
    words = [*stack.build_jupyter_command(deployment, ip=ip, port=port), "--allow-root"]
    if "jupyter-server" in versions:
        return words
    # On the notebook server `jupyter notebook` serves the classic front end.
    words[1] = "notebook" if deployment.frontend is Frontend.CLASSIC else words[1]
    return [word.replace("--ServerApp.", "--NotebookApp.", 1) for word in words]
