"""Find the wheel among Bazel's output files, and evaluate its log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROCESSES_LINE = re.compile(r"^INFO: (\d+) process(?:es)?: (.*?)\.?$", re.MULTILINE)
_ACTION_KIND = re.compile(r"(\d+) ([a-z][a-z0-9 -]*)")
_ERROR_LINE = re.compile(r"^(ERROR|FATAL|build-wheel|fatal|error)\b|No space left on device")
_PROGRESS_LINE = re.compile(r"^\[[\d,]+ / [\d,]+\] .*")
_TAIL_LINES = 12
_MAX_ERROR_LINES = 6


def find_wheel(files: Mapping[str, bytes], wanted: str) -> bytes:
    """Find the one wheel for Python 3 among the files that Bazel made.

    Args:
        files: name → content; up to 2.1.1 upstream's build also makes a wheel for Python 2.
        wanted: the file name of the release's wheel.

    Raises:
        SourceError: there is no such wheel or more than one, or it has another file name.
    """
    wheels = sorted(n for n in files if n.endswith(".whl") and "-py2-" not in n)
    if len(wheels) != 1:
        reported = f"{len(wheels)} wheels ({', '.join(wheels)})" if wheels else "no wheel"
        raise SourceError(
            f"Bazel made {reported} for Python 3, and one is wanted: {wanted}",
            "look at //tensorboard/pip_package in that source",
        )
    if wheels[0] != wanted:
        raise SourceError(
            f"Bazel made {wheels[0]}, and {wanted} is wanted",
            "look at the version in that source (tensorboard/version.py), and at the tag",
        )
    return files[wheels[0]]


class ActionCounts(NamedTuple):
    """How many actions Bazel ran, in total and by kind, such as `remote cache hit`."""

    total: int
    kinds: Mapping[str, int]

    @property
    def cache_hits(self) -> int:
        """The number of actions whose outcome came from a cache."""
        return sum(n for kind, n in self.kinds.items() if kind.endswith("cache hit"))

    @property
    def executed(self) -> int:
        """The number of actions that were executed, in the container or by a remote executor."""
        return self.total - self.cache_hits - self.kinds.get("internal", 0)


def count_actions(log: str) -> ActionCounts | None:
    """Parse the last line like `INFO: 5 processes: 1 remote cache hit, 4 internal.`, or None."""
    found = _PROCESSES_LINE.findall(log)
    if not found:
        return None
    total, kinds = found[-1]
    return ActionCounts(
        int(total), {kind.strip(): int(n) for n, kind in _ACTION_KIND.findall(kinds)}
    )


def parse_progress(line: str) -> str | None:
    """Return the progress in a line of the log, such as `[12 / 345] …`, or None."""
    match = _PROGRESS_LINE.match(line)
    return match[0] if match else None


def find_error_lines(lines: Sequence[str]) -> tuple[str, list[str]]:
    """Find the first error of a failed build's log, and its errors and last lines."""
    reported = [line for line in lines if _ERROR_LINE.search(line)]
    first = (
        reported[0]
        if reported
        else next((x for x in reversed(lines) if x.strip()), "it said nothing")
    )
    kept = [*reported[:_MAX_ERROR_LINES], *(x for x in lines[-_TAIL_LINES:] if x not in reported)]
    return first, kept
