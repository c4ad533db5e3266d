"""builder.publish.prepared_wheel: what is refused before anything is sent, and what wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.errors import NewFindingsError, ProvenanceError, UncheckedError
from builder.provenance.claims import parse_statement
from builder.provenance.statements import get_provenance_path
from builder.publish.prepared_wheel import RequestedWheel, prepare_wheel
from tests.support import forge
from tests.support.forged_statements import FORGERIES, write_forgery
from tests.support.small_release import (
    SERIES,
    UNTOUCHED,
    SmallRelease,
    make_small_release,
    open_small_release,
)

if TYPE_CHECKING:
    from pathlib import Path

    from builder.publish.prepared_wheel import PreparedWheel
    from tests.support.forge import File

_BAZEL = next(f for f in FORGERIES if "Bazel" in f.name)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    """The small release, built once."""
    return make_small_release(tmp_path_factory.mktemp("small"))


def prepare(
    small: SmallRelease, directory: Path, wheel: File, statement: bytes | None
) -> PreparedWheel:
    """Prepare a wheel with this statement beside it."""
    path = directory / wheel.filename
    path.write_bytes(wheel.content)
    get_provenance_path(path).unlink(missing_ok=True)
    if statement is not None:
        get_provenance_path(path).write_bytes(statement)
    workdir = directory / "workdir"
    workdir.mkdir(exist_ok=True)
    sources, context = open_small_release(small.directory)
    claim = parse_statement(small.statement, path.name)
    requested = RequestedWheel(claim.release, claim.identity, SERIES, ())
    return prepare_wheel(path, workdir, sources, context, requested=requested, attested=False)


def test_findings_win_over_what_the_statement_says(small: SmallRelease, tmp_path: Path) -> None:
    """A spoiled wheel that is said to be built from source fails by its findings."""
    spoiled = forge.edit(small.wheel, UNTOUCHED, lambda text: text + b"SPOILED = True\n")
    with pytest.raises(NewFindingsError, match="D703"):
        prepare(small, tmp_path, spoiled, write_forgery(_BAZEL, small.statement, spoiled))
    # The controls: what is unchecked in a good wheel, a good wheel, and one of other series.
    with pytest.raises(UncheckedError, match="built from source"):
        prepare(small, tmp_path, small.wheel, write_forgery(_BAZEL, small.statement, small.wheel))
    assert prepare(small, tmp_path, small.wheel, small.statement).statement == small.statement
    with pytest.raises(NewFindingsError, match="D704"):
        prepare(small, tmp_path, small.unpatched, small.unpatched_statement)


def test_without_a_statement_nothing_is_sent(small: SmallRelease, tmp_path: Path) -> None:
    """There is nothing to verify it by."""
    with pytest.raises(ProvenanceError, match="there is no provenance"):
        prepare(small, tmp_path, small.wheel, None)
