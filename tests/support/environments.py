"""Environments with real wheels in them, and drivers that run there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.model import PACKAGE, IdentityKind
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.patching.series import load_series
from builder.system import command, virtualenvs
from builder.system.settings import read_project_settings
from builder.tensorboard.server import run_tensorboard
from tests.support import needs
from tests.support.releases import CATALOG, ROOT, stock_path

if TYPE_CHECKING:
    from builder.model import Release

_TIMEOUT = 300.0
_READ = 60.0


def find(version: str) -> Release:
    """The catalog's release."""
    release = CATALOG.find_release(version)
    assert release is not None, version
    return release


def stock_wheel(version: str, workdir: Path) -> Path:
    """The published wheel, under its own name."""
    wheel = find(version).wheel
    path = workdir / wheel.filename
    path.write_bytes(stock_path(wheel).read_bytes())
    return path


def our_wheel(version: str, workdir: Path) -> Path:
    """The wheel that `python -m builder build` makes, with the default series."""
    project = read_project_settings(ROOT)
    identity = WheelNaming(IdentityKind.TEST, project.name).make_identity(version)
    series = [load_series(ROOT / "patches" / name) for name in project.series]
    release = find(version)
    made = build_overlay(release, stock_path(release.wheel).read_bytes(), series, identity)
    path = workdir / made.filename
    path.write_bytes(made.content)
    return path


class Place:
    """An environment, and a room for what is made there."""

    def __init__(self, workdir: Path, python: Path) -> None:
        workdir.mkdir()
        self.workdir = workdir
        self.env = needs.context().make_clean_env(workdir)
        self.env["TF_CPP_MIN_LOG_LEVEL"] = "2"
        self.python = virtualenvs.make_virtualenv(workdir / "env", python, self.env)

    def install(self, *wanted: str | Path, until: str | None = None) -> None:
        """Install requirements and wheels, uploaded before a date if one is given."""
        virtualenvs.install_packages(self.python, [str(w) for w in wanted], self.env, until=until)

    def replace(self, wheel: Path, until: str | None = None) -> None:
        """Take TensorBoard out and put a wheel in, which is how one does it beside TensorFlow."""
        virtualenvs.uninstall_package(self.python, PACKAGE, self.env)
        self.install(wheel, until=until)
        assert not list(virtualenvs.find_record_mismatches(wheel, self.python, self.env))

    def versions(self) -> dict[str, str]:
        """Name → version of what is installed."""
        return virtualenvs.list_installed_versions(self.python, self.env)

    def drive(self, name: str, *words: str) -> Any:
        """Run one of the drivers beside this file; the JSON that it prints last."""
        driver = Path(__file__).with_name(name)
        out = command.run_command(
            [str(self.python), str(driver), *words],
            timeout=_TIMEOUT,
            cwd=self.workdir,
            env=self.env,
        )
        return json.loads(out.splitlines()[-1])

    def served(self, logdir: Path, run: str) -> Any:
        """The scalars that a server with the user's flags lists, once it knows that run."""
        script = self.python.parent / PACKAGE
        with run_tensorboard(script, logdir, self.workdir, self.env) as server:
            deadline = time.monotonic() + _READ
            tags: dict[str, Any] = {}
            while run not in tags and time.monotonic() < deadline:
                tags = server.send_request("/data/plugin/scalars/tags").json()
            return tags
