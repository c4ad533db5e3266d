"""The process engine: Jupyter in a throwaway environment, for machines without a container engine.

An environment is made once for a wheel (4 to 5 s from uv's cache on two idle cores) and serves all
deployments of it. Each of these has a room and, where the user may make one, a network of its own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from builder.errors import CommandError, SmokeError
from builder.model import PACKAGE
from builder.smoke.engines import namespace, room, stack, survivors, vintage
from builder.smoke.engines.relay import LOOPBACK
from builder.smoke.engines.room import Prepared
from builder.system import command, virtualenvs
from builder.system.virtualenvs import START, clean_environ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from builder.releases.eras import Era
    from builder.smoke.engines.namespace import Separation
    from builder.smoke.model import Deployment, Site, Subject
    from builder.system.pythons import PythonFinder
    from builder.system.settings import Environment

# All that Jupyter gets to know of the surroundings; index, proxies and passwords are none of it.
_KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")
_OUR_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class ProcessRunner:
    """Deployments in environments of this machine.

    Args:
        place: directory of everything that it makes; each process of a deployment has it in its
            environment.
        separation: how deployments are kept apart from the host.
        environment: index and CA settings for uv.
        environ: the environment that uv starts with.
        pythons: finds the Python of each environment.
        python: such as `3.11`, for those that are not of an era.
        eras: release → the date and the Python to resolve everything at; None for today.
    """

    def __init__(
        self,
        place: Path,
        separation: Separation,
        environment: Environment,
        environ: Mapping[str, str],
        pythons: PythonFinder,
        *,
        python: str = _OUR_PYTHON,
        eras: Callable[[str], Era] | None = None,
    ) -> None:
        self._place = place
        self.separation = separation
        self._settings = clean_environ(environment, environ, place)
        self._pythons = pythons
        self._python = python
        self._eras = eras
        self._turn = Lock()

    @property
    def name(self) -> str:
        """As reports name it."""
        where = "in a network of its own" if self.separation else "on plain loopback"
        when = f"Python {self._python}" if self._eras is None else "each release's own era"
        return f"process {where}, {when}"

    @property
    def changes_host(self) -> bool:
        """Deployments have a network of their own, or the loopback, which is there anyway."""
        return False

    @property
    def host(self) -> str:
        """The address under which its sites are found."""
        return LOOPBACK

    def prepare(
        self, subject: Subject, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[Site]]:
        """Make the environment of a wheel; what is in it goes to the log.

        Environments of other releases are removed.

        Raises:
            SmokeError: the wheel and Jupyter cannot be installed together, or it does not start.
            CommandError: there is no uv, or not that Python.
        """
        if subject.wheel is None:
            raise SmokeError("an environment needs a wheel", "name a release")
        era = None if self._eras is None else self._eras(subject.release)
        version = self._python if era is None else era.python
        progress(f"making an environment on Python {version}")
        made = self._space(subject.release)
        base = self._pythons.find_python(version)
        python = virtualenvs.make_environment(made / "env", base, self._settings)
        first = () if era is None else era.first
        if subject.tensorflow and not first:
            first = ("tensorflow",)
        self._install(python, subject.wheel, version, era, first)
        versions = virtualenvs.installed_versions(python, self._settings)
        listing = "".join(f"{name}=={number}\n" for name, number in versions.items())
        log.write_text(f"Python {version}\n{listing}", encoding="utf-8")
        ready = Prepared(python, subject.release, versions, self._kept(python))
        _try(ready, subject.wheel, made)
        return lambda deployment: self._start(deployment, ready)

    def sweep(self) -> None:
        """End everything of this run at once; whoever waits for one of them gets an error.

        Raises:
            SmokeError: something does not end.
        """
        survivors.end(self._place)

    def _space(self, release: str) -> Path:
        """Space for one more environment, of half a GB; other releases have had their turn."""
        ours = f"env-{release}-"
        for made in self._place.glob("env-*"):
            if not made.name.startswith(ours):
                shutil.rmtree(made)
        return Path(tempfile.mkdtemp(prefix=ours, dir=self._place))

    def _install(
        self, python: Path, wheel: Path, version: str, era: Era | None, first: Sequence[str]
    ) -> None:
        wanted = stack.REQUIREMENTS if era is None else vintage.requirements(era)
        until = None if era is None else era.until
        try:
            if first:
                virtualenvs.install(python, [*first, *wanted], self._settings, until=until)
                virtualenvs.uninstall(python, PACKAGE, self._settings)
            # What is there already and fits stays as it is.
            whole = [*wanted, str(wheel.resolve())]
            virtualenvs.install(python, whole, self._settings, until=until)
        except CommandError as error:
            when = "today" if until is None else f"as of {until[:10]}"
            raise SmokeError(
                f"{wheel.name} and Jupyter cannot be installed on Python {version}, {when}",
                error.hint,
            ) from error

    @contextmanager
    def _start(self, deployment: Deployment, ready: Prepared) -> Iterator[Site]:
        """One at a time on plain loopback, where all kernels would share TensorBoard's ports."""
        with (
            nullcontext() if self.separation else self._turn,
            room.start(deployment, ready, self.separation, self._place) as site,
        ):
            yield site

    def _kept(self, python: Path) -> dict[str, str]:
        kept = {name: self._settings[name] for name in _KEPT if name in self._settings}
        path = self._settings.get("PATH", "/usr/bin:/bin")
        return kept | {"PATH": f"{python.parent}:{path}"}


@contextmanager
def process_runner(
    environment: Environment,
    environ: Mapping[str, str],
    pythons: PythonFinder,
    *,
    python: str = _OUR_PYTHON,
    eras: Callable[[str], Era] | None = None,
) -> Iterator[ProcessRunner]:
    """The process engine for as long as the block lasts; the arguments are the runner's."""
    with tempfile.TemporaryDirectory(prefix="smoke-process-") as place:
        separation = namespace.find()
        yield ProcessRunner(
            Path(place), separation, environment, environ, pythons, python=python, eras=eras
        )


def _try(ready: Prepared, wheel: Path, place: Path) -> None:
    """Whether TensorBoard starts at all; 1.13.x has no --version.

    Raises:
        SmokeError: it does not.
    """
    words = [str(ready.python.parent / PACKAGE), "--help"]
    environ = {**ready.environ, "HOME": str(place), "TMPDIR": str(place)}
    try:
        command.run(words, timeout=START, cwd=place, env=environ)
    except CommandError as error:
        raise SmokeError(
            f"the TensorBoard of {wheel.name} does not start: {error.message}", error.hint
        ) from error
