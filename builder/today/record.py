"""Record what a stock wheel responds in its own era."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import CommandError
from builder.model import PACKAGE
from builder.releases.eras import get_era
from builder.system import command
from builder.system.files import make_temporary_directory
from builder.system.virtualenvs import (
    START_TIMEOUT,
    find_record_mismatches,
    install_packages,
    list_installed_versions,
    make_virtualenv,
)
from builder.today import logdir as logdirs
from builder.today.reference import EraReference
from builder.today.server_modes import list_server_modes, observe_mode

if TYPE_CHECKING:
    from builder.context import RunContext
    from builder.model import Release


def record_reference(
    release: Release,
    stock: Path,
    context: RunContext,
) -> EraReference:
    """Install the stock wheel as in its own era, start it on the logdir, record every response.

    Args:
        release: what is recorded.
        stock: its stock wheel, which the caller has verified.
        context: the context of the run, whose Pythons have the era's.

    Raises:
        CommandError: the era's Python is missing or its virtualenv cannot be made, what was
            installed is not what RECORD says, or the server does not start.
    """
    era = get_era(release)
    base = context.pythons.find_python(era.python)
    with make_temporary_directory("tensorboard-wheels-era-") as workdir:
        clean = context.make_clean_env(workdir)
        wheel = Path(shutil.copy(stock, workdir / release.wheel.filename))
        logdir = workdir / "logdir"
        logdirs.write_logdir(logdir)
        python = make_virtualenv(workdir / "env", base, clean)
        install_packages(python, [str(wheel)], clean, until=era.until)
        # 0.6.0, the only version then, is linked against OpenSSL 1.1, which current systems lack.
        if list_installed_versions(python, clean).get("tensorboard-data-server") == "0.6.0":
            install_packages(python, ["tensorboard-data-server==0.6.1"], clean)
        for path, how in find_record_mismatches(wheel, python, clean):
            raise CommandError(f"{release.version}: {path}: {how}", "clean uv's cache, then again")
        code = "import platform; print(platform.python_version())"
        return EraReference(
            version=release.version,
            wheel=release.wheel.sha256,
            logdir=logdirs.digest_logdir(),
            python=command.run_command(
                [str(python), "-c", code], timeout=START_TIMEOUT, env=clean
            ).strip(),
            until=era.until,
            packages=list_installed_versions(python, clean),
            modes={
                mode: observe_mode(python.parent / PACKAGE, logdir, workdir, clean, flags)
                for mode, flags in list_server_modes(release.version).items()
            },
        )
