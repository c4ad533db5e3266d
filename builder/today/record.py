"""Record what a stock wheel answers in its own era."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.model import PACKAGE
from builder.releases.eras import era_of
from builder.system import command
from builder.system.virtualenvs import (
    START,
    clean_environ,
    install,
    installed_versions,
    make_environment,
    not_as_recorded,
)
from builder.today import logdir as logdirs
from builder.today.modes import modes_of, observe
from builder.today.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.model import Release
    from builder.system.pythons import PythonFinder
    from builder.system.settings import Environment


def record(
    release: Release,
    stock: Path,
    environment: Environment,
    environ: Mapping[str, str],
    pythons: PythonFinder,
) -> Reference:
    """Install the stock wheel as in its own time, show it the logdir, keep every answer.

    Args:
        release: what is recorded.
        stock: its stock wheel (verified by whoever fetched it).
        environment: index and CA settings for uv.
        environ: the environment that programs start with.
        pythons: finds the era's.

    Raises:
        CommandError: the era's Python is missing or its environment cannot be made, what was
            installed is not what RECORD says, or the server does not start.
    """
    era = era_of(release)
    base = pythons.find_python(era.python)
    with tempfile.TemporaryDirectory(prefix="era-") as name:
        room = Path(name)
        clean = clean_environ(environment, environ, room)
        wheel = Path(shutil.copy(stock, room / release.wheel.filename))
        logdir = room / "logdir"
        logdirs.write(logdir)
        python = make_environment(room / "env", base, clean)
        install(python, [str(wheel)], clean, until=era.until)
        # 0.6.0, the only one then, is linked against OpenSSL 1.1, which current systems lack.
        if installed_versions(python, clean).get("tensorboard-data-server") == "0.6.0":
            install(python, ["tensorboard-data-server==0.6.1"], clean)
        for path, how in not_as_recorded(wheel, python, clean):
            raise CommandError(f"{release.version}: {path}: {how}", "clean uv's cache, then again")
        code = "import platform; print(platform.python_version())"
        return Reference(
            version=release.version,
            wheel=release.wheel.sha256,
            logdir=logdirs.digest(),
            python=command.run([str(python), "-c", code], timeout=START, env=clean).strip(),
            until=era.until,
            packages=installed_versions(python, clean),
            modes={
                mode: observe(python.parent / PACKAGE, logdir, room, clean, flags)
                for mode, flags in modes_of(release.version).items()
            },
        )
