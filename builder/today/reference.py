"""Era references: a release's responses in its own era, one small file each in `tests/eras/`.

A file is xz over JSON with sorted keys. Its bytes may depend on the version of liblzma. Its
content does not, and has nothing of the recording's time or machine.
"""

from __future__ import annotations

import json
import lzma
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from builder.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from builder.tensorboard.responses import TensorBoardResponse

_SUFFIX = ".json.xz"


@dataclass(frozen=True, slots=True)
class ModeRecord:
    """What was seen in one mode of the server.

    Attributes:
        answers: the responses by key.
        exceptions: the last line of each exception in the server's log.
    """

    answers: Mapping[str, TensorBoardResponse]
    exceptions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EraReference:
    """A release in its own era.

    Attributes:
        version: the release.
        wheel: sha256 of the stock wheel that was recorded.
        logdir: `builder.today.logdir.digest_logdir` of the logdir that it served.
        python: the version of the Python that it ran on, such as `3.7.16`.
        until: RFC 3339 date before which its dependencies were uploaded.
        packages: name → version of everything that was installed.
        modes: name of the mode → what was seen in it.
    """

    version: str
    wheel: str
    logdir: str
    python: str
    until: str
    packages: Mapping[str, str]
    modes: Mapping[str, ModeRecord]


def save_reference(reference: EraReference, directory: Path) -> Path:
    """Write a reference to its file; return the file's path."""
    text = json.dumps(asdict(reference), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    path = directory / f"{reference.version}{_SUFFIX}"
    directory.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
    return path


def load_reference(version: str, directory: Path) -> EraReference:
    """Load the reference of a release.

    Raises:
        RequestError: there is none, or it is malformed.
    """
    path = directory / f"{version}{_SUFFIX}"
    try:
        facts = json.loads(lzma.decompress(path.read_bytes()))
        modes = {
            name: ModeRecord(mode["answers"], tuple(mode["exceptions"]))
            for name, mode in facts.pop("modes").items()
        }
        return EraReference(**facts, modes=modes)
    except FileNotFoundError as error:
        raise RequestError(
            f"{version} has no era reference in {directory}",
            f"python -m builder record {version}",
        ) from error
    except (lzma.LZMAError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"{path} is no reference: {error}", f"python -m builder record {version}"
        ) from error
