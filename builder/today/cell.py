"""One cell of the grid: a wheel on a Python, and which stages it reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from builder.system.files import replace_file
from builder.system.input_files import MAX_DOCUMENT, read_input_file

if TYPE_CHECKING:
    from pathlib import Path

# The stages in the order in which they are reached. That TensorBoard shows in a browser is a matter
# of the smoke tests.
STAGES = ("installs", "imports", "starts", "serves", "equals", "notebook")
PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


class GridCell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The result of one wheel on one Python.

    Attributes:
        release: upstream's version.
        python: such as `3.13`.
        wheel: the wheel's file name.
        sha256: of the wheel.
        stock: whether it is the published wheel.
        logdir: digest of the logdir that it served.
        date: when (ISO 8601, to the day): the dependencies are the newest that the index had then.
        stages: name of each stage that was reached → what is wrong with it, "" if nothing is.
        inherited: keys of responses that are 5xx in its era as well.
        packages: `name==version` of what was resolved.
        answers: how many responses were compared.
        seconds: for each stage.
    """

    release: str
    python: str
    wheel: str
    sha256: str
    stock: bool
    logdir: str
    date: str
    stages: dict[str, str] = {}
    inherited: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    answers: int = 0
    seconds: dict[str, float] = {}

    @property
    def failed_stage(self) -> str | None:
        """The first stage that failed or was not reached, or None."""
        return next((s for s in STAGES if self.stages.get(s, "not reached")), None)

    @property
    def failure_reason(self) -> str:
        """What is wrong with that stage; "" if nothing is."""
        return (
            "" if self.failed_stage is None else self.stages.get(self.failed_stage, "not reached")
        )


def get_cell_path(directory: Path, release: str, python: str, sha256: str) -> Path:
    """Return the path of a cell's file: one for each wheel and Python."""
    return directory / f"{release}-cp{python.replace('.', '')}-{sha256[:12]}.json"


def save_cell(cell: GridCell, directory: Path) -> None:
    """Write a cell to its file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    path = get_cell_path(directory, cell.release, cell.python, cell.sha256)
    content = msgspec.json.format(msgspec.json.encode(cell, order="sorted"), indent=1)
    replace_file(path, content + b"\n")


def load_cell(path: Path) -> GridCell | None:
    """Load a cell from its file; None if it cannot be read, or has another format."""
    try:
        return msgspec.json.decode(read_input_file(path, MAX_DOCUMENT), type=GridCell)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None


def load_cells(directory: Path) -> list[GridCell]:
    """Load every cell in a directory."""
    found = (load_cell(path) for path in sorted(directory.glob("*.json")))
    return [cell for cell in found if cell is not None]
