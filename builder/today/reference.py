"""Era references: a release's responses in its own era, one small file each in `tests/eras/`.

A file is xz over JSON with sorted keys. Its bytes may depend on the version of liblzma. Its
content does not, and has nothing of the recording's time or machine.
"""

from __future__ import annotations

import lzma
from typing import TYPE_CHECKING

import msgspec

from builder.errors import RequestError, shorten_reason
from builder.system.files import replace_file
from builder.system.input_files import MAX_DOCUMENT, read_input_file
from builder.tensorboard.responses import TensorBoardResponse  # noqa: TC001 - for msgspec

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".json.xz"
_MAX_INFLATED = 128 * 1024 * 1024  # bytes, of content and of xz's own memory


class ModeRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was seen in one mode of the server.

    Attributes:
        answers: the responses by key.
        exceptions: the last line of each exception in the server's log.
    """

    answers: dict[str, TensorBoardResponse]
    exceptions: tuple[str, ...]


class EraReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    packages: dict[str, str]
    modes: dict[str, ModeRecord]


def save_reference(reference: EraReference, directory: Path) -> Path:
    """Write a reference to its file; return the file's path.

    Raises:
        OSError: it cannot be written.
    """
    content = msgspec.json.encode(reference, order="sorted")
    path = directory / f"{reference.version}{_SUFFIX}"
    replace_file(path, lzma.compress(content, preset=9 | lzma.PRESET_EXTREME))
    return path


def load_reference(version: str, directory: Path) -> EraReference:
    """Load the reference of a release.

    Raises:
        RequestError: there is none, or it is malformed.
    """
    path = directory / f"{version}{_SUFFIX}"
    try:
        content = _decompress(read_input_file(path, MAX_DOCUMENT))
        return msgspec.json.decode(content, type=EraReference)
    except FileNotFoundError as error:
        raise RequestError(
            f"{version} has no era reference in {directory}",
            f"python -m builder record {version}",
        ) from error
    except (OSError, lzma.LZMAError, ValueError, RecursionError) as error:
        raise RequestError(
            f"{path} is no reference: {shorten_reason(error)}",
            f"python -m builder record {version}",
        ) from error


def _decompress(content: bytes) -> bytes:
    """Decompress a whole xz file of at most `_MAX_INFLATED` bytes.

    Raises:
        ValueError: it inflates to more, or is cut short.
        lzma.LZMAError: it is no xz file.
    """
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_INFLATED)
    inflated = decompressor.decompress(content, max_length=_MAX_INFLATED)
    if not decompressor.eof:
        why = "is cut short" if decompressor.needs_input else f"has over {_MAX_INFLATED} bytes"
        raise ValueError(f"its content {why}")
    return inflated
