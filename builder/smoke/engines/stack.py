"""What is installed for Jupyter, and the command that starts each of its front ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.smoke.model import Frontend

if TYPE_CHECKING:
    from builder.smoke.model import Deployment

# scikit-learn ships the digits that the smoke notebook trains on, so no data are downloaded.
JUPYTER_REQUIREMENTS = (
    "jupyterlab",
    "notebook",
    "nbclassic",
    "jupyter-server-proxy",
    "scikit-learn",
)
JUPYTER_PORT = 8888
_COMMAND = {Frontend.LAB: "lab", Frontend.NOTEBOOK: "notebook", Frontend.CLASSIC: "nbclassic"}
# The browser runs all cells by the command API: keys typed into a page get lost now and then.
_EXPOSE = {
    Frontend.LAB: ("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"),
    Frontend.NOTEBOOK: ("--JupyterNotebookApp.expose_app_in_browser=True",),
    Frontend.CLASSIC: (),
}


def build_jupyter_command(
    deployment: Deployment, *, ip: str, port: int = JUPYTER_PORT
) -> list[str]:
    """Build the command that serves a deployment's front end; the token is in `JUPYTER_TOKEN`.

    Args:
        deployment: what to serve.
        ip: the address to listen on.
        port: the port to listen on; if it is taken, no other one is tried.
    """
    return [
        "jupyter",
        _COMMAND[deployment.frontend],
        f"--ServerApp.ip={ip}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.base_url={deployment.base_url}",
        "--no-browser",  # nbclassic ignores ServerApp.open_browser
        "--ServerApp.allow_remote_access=True",
        *_EXPOSE[deployment.frontend],
    ]
