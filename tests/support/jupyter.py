"""A real Jupyter on the loopback for as long as a block lasts, in this very environment."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from builder.smoke.model import Deployment, Frontend, JupyterSite
from builder.system import command
from builder.system.ports import find_free_port
from builder.system.redact import Secret
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.certificates import Authority

_UP = 60.0


@contextmanager
def running(
    workdir: Path,
    base_url: str = "/",
    authority: Authority | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[JupyterSite]:
    """Start jupyter-server with its files below `room`; its log is `jupyter.log` there.

    It has no trash, so it removes no directory in which something is left. With an authority it
    speaks TLS.
    """
    # Its kernels have no ports, as a Jupyter that another test starts could choose the same; the
    # paths of their sockets may have 107 bytes (unix(7)).
    with tempfile.TemporaryDirectory() as runtime:
        more = {**(env or {}), "JUPYTER_RUNTIME_DIR": runtime}
        yield from _serve(workdir, base_url, authority, more)


def _serve(
    workdir: Path, base_url: str, authority: Authority | None, more: Mapping[str, str]
) -> Iterator[JupyterSite]:
    port, token = find_free_port(), Secret.generate()
    root = workdir / "root"
    root.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    env = {**kept, **more}
    env |= {
        "HOME": str(workdir),
        "TMPDIR": str(workdir),
        "IPYTHONDIR": str(workdir / "ipython"),
    }
    env |= {f"JUPYTER_{kind}_DIR": str(workdir) for kind in ("CONFIG", "DATA")}
    env["JUPYTER_TOKEN"] = token.value
    words = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser"]
    words += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1"]
    words += [f"--ServerApp.base_url={base_url}", f"--ServerApp.root_dir={root}"]
    words += ["--FileContentsManager.delete_to_trash=False", "--KernelManager.transport=ipc"]
    scheme, ca_bundle = "http", None
    if authority is not None:
        words += [f"--ServerApp.certfile={authority.write(workdir / 'server.pem')}"]
        scheme, ca_bundle = "https", str(workdir / "authority.pem")
        (workdir / "authority.pem").write_bytes(authority.pem)
    site = JupyterSite(
        Deployment("test", Frontend.LAB, base_url),
        f"{scheme}://127.0.0.1:{port}{base_url}",
        token,
        INSTALLED,
        ca_bundle=ca_bundle,
    )
    log = workdir / "jupyter.log"
    with command.run_in_background(words, log=log, cwd=workdir, env=env) as process:
        deadline = time.monotonic() + _UP
        while command.wait_for_exit(process, 0.05) is None and time.monotonic() < deadline:
            try:
                requests.get(f"{site.url}api", timeout=5, verify=ca_bundle)
            except requests.RequestException:
                continue
            yield site
            return
        raise AssertionError(log.read_text())
