"""builder.smoke.suite, builder.build.existing_wheel: which wheel is tested, where reports go."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.build.existing_wheel import find_or_build_wheel
from builder.cli.contexts import make_build_options, make_context, make_sources
from builder.cli.options import DEFAULT_PATCHES, CommonOptions, IdentityOptions
from builder.errors import RequestError, SmokeError
from builder.provenance.statements import get_provenance_path
from builder.releases.catalog import DEFAULT_CATALOG_PATH
from builder.smoke.run import SmokeContext
from builder.smoke.suite import SmokeOptions, smoke_release
from builder.system.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from builder.build.release import BuildOptions
    from builder.context import RunContext
    from builder.model import Release
    from builder.smoke.model import Deployment, JupyterSite, WheelUnderTest

OFFLINE = CommonOptions(DEFAULT_CATALOG_PATH, patches=DEFAULT_PATCHES, offline=True)
pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def said() -> io.StringIO:
    """What a person is told."""
    return io.StringIO()


@pytest.fixture
def context(said: io.StringIO) -> RunContext:
    """A run without the network."""
    return replace(make_context(offline=True), console=Console(said, said))


def options(output: Path, *series: str) -> BuildOptions:
    """As `--series` gives them, which nobody said if there are none."""
    return make_build_options(series, IdentityOptions(output=output))


@pytest.fixture
def found(
    context: RunContext, release: Callable[[str], Release], tmp_path: Path
) -> Callable[..., Path]:
    """Find or build 2.2.1 with the series that were said."""

    def find(*series: str) -> Path:
        chosen = options(tmp_path, *series)
        sources = make_sources(OFFLINE, context)
        return find_or_build_wheel(release("2.2.1"), chosen, sources, context)

    return find


def test_a_wheel_of_other_series_is_not_what_was_asked_for(
    found: Callable[..., Path], said: io.StringIO
) -> None:
    """All series give one file name; without a word of them, what lies there is taken, and said."""
    wheel = found("none")
    assert found("none") == wheel
    with pytest.raises(RequestError, match="built with no series, not with the series proxy") as no:
        found("proxy")
    assert "2.2.1 --series proxy --force" in no.value.hint
    assert "was built with" not in said.getvalue()
    assert found() == wheel
    assert f"{wheel} was built with no series, not with the series proxy, " in said.getvalue()


def test_a_wheel_that_says_nothing_is_taken_if_nothing_was_asked(
    found: Callable[..., Path], said: io.StringIO
) -> None:
    """A wheel of the user's own, and one whose statement is another's; neither is ever proxy's."""
    wheel = found("proxy")
    own = wheel.read_bytes()
    wheel.write_bytes(own + b"\0")
    with pytest.raises(RequestError, match="nothing beside it that says"):
        found("proxy")
    wheel.write_bytes(own)
    assert found("proxy") == wheel
    get_provenance_path(wheel).unlink()
    with pytest.raises(RequestError, match="nothing beside it that says"):
        found("proxy")
    before = said.getvalue()
    assert found() == wheel
    assert said.getvalue() == before


class FailingRunner:
    """An engine that starts nothing, as one without memory left."""

    name, host, can_change_host = "none", "127.0.0.1", False

    def prepare_wheel(
        self, subject: WheelUnderTest, log: Path, progress: Callable[[str], None]
    ) -> Callable[[Deployment], AbstractContextManager[JupyterSite]]:
        """Nothing is needed."""
        del subject, log, progress

        def start(deployment: Deployment) -> AbstractContextManager[JupyterSite]:
            raise SmokeError(f"no room for {deployment.name}", "")

        return start

    def end_all(self) -> None:
        """Nothing runs."""


def test_reports_with_tensorflow_lie_apart(
    context: RunContext, release: Callable[[str], Release], tmp_path: Path
) -> None:
    """They do not take the place of those without it."""
    sources = make_sources(OFFLINE, context)
    how = SmokeContext("none", None, tmp_path, lambda *_: None, context.check_cancelled, print)
    for tensorflow in (False, True):
        chosen = SmokeOptions("lab", options(tmp_path), control=True, tensorflow=tensorflow)
        done = smoke_release(release("2.2.1"), chosen, FailingRunner(), how, sources, context)
        assert [r.failure for r in done] == [f"no room for {r.deployment} ()" for r in done]
    places = {p.name for p in (tmp_path / "2.2.1").iterdir()}
    plain = {"lab", "lab-base-url", "lab-unset"}
    assert places == plain | {f"{name}-tensorflow" for name in plain} | {"lab-unpatched"}
