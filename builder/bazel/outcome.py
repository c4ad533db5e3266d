"""What Bazel leaves behind: the wheel among the files, and what its log says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROCESSES = re.compile(r"^INFO: (\d+) process(?:es)?: (.*?)\.?$", re.MULTILINE)
_KIND = re.compile(r"(\d+) ([a-z][a-z0-9 -]*)")
_TELLING = re.compile(r"^(ERROR|FATAL|build-wheel|fatal|error)\b|No space left on device")
_PROGRESS = re.compile(r"^\[[\d,]+ / [\d,]+\] .*")
_TAIL_LINES = 12
_TELLING_LINES = 6


def find_wheel(files: Mapping[str, bytes], wanted: str) -> bytes:
    """The one wheel for Python 3 among those that Bazel made.

    Args:
        files: name → content; upstream's build makes a wheel for Python 2 beside it up to 2.1.1.
        wanted: the file name that the release's wheel has.

    Raises:
        SourceError: there is none, there are two, or it is another version's.
    """
    wheels = sorted(n for n in files if n.endswith(".whl") and "-py2-" not in n)
    if len(wheels) != 1:
        told = f"{len(wheels)} wheels ({', '.join(wheels)})" if wheels else "no wheel"
        raise SourceError(
            f"Bazel made {told} for Python 3, and one is wanted: {wanted}",
            "look at //tensorboard/pip_package in that source",
        )
    if wheels[0] != wanted:
        raise SourceError(
            f"Bazel made {wheels[0]}, and {wanted} is wanted",
            "look at the version in that source (tensorboard/version.py), and at the tag",
        )
    return files[wheels[0]]


class Processes(NamedTuple):
    """How many actions there were, and how each kind was run, such as `remote cache hit`."""

    total: int
    kinds: Mapping[str, int]

    @property
    def hits(self) -> int:
        """Actions that a cache answered."""
        return sum(n for kind, n in self.kinds.items() if kind.endswith("cache hit"))

    @property
    def ran(self) -> int:
        """Actions that were run, here or by an executor."""
        return self.total - self.hits - self.kinds.get("internal", 0)


def processes(log: str) -> Processes | None:
    """What Bazel's last `INFO: 5 processes: 1 remote cache hit, 4 internal.` says."""
    found = _PROCESSES.findall(log)
    if not found:
        return None
    total, kinds = found[-1]
    return Processes(int(total), {kind.strip(): int(n) for n, kind in _KIND.findall(kinds)})


def progress(line: str) -> str | None:
    """What a line of the log says of the way that is left, or None."""
    found = _PROGRESS.match(line)
    return found[0] if found else None


def telling(lines: Sequence[str]) -> tuple[str, list[str]]:
    """The lines of a failed build's log that say most: the first error, and the last lines."""
    told = [line for line in lines if _TELLING.search(line)]
    first = told[0] if told else next((x for x in reversed(lines) if x.strip()), "it said nothing")
    kept = [*told[:_TELLING_LINES], *(x for x in lines[-_TAIL_LINES:] if x not in told)]
    return first, kept
