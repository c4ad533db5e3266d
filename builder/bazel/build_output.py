"""What Bazel leaves behind: the wheel among the files, and what its log says."""

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
    """The one wheel for Python 3 among those that Bazel made.

    Args:
        files: name → content; upstream's build makes a wheel for Python 2 beside it up to 2.1.1.
        wanted: the file name that the release's wheel has.

    Raises:
        SourceError: there is none, there are two, or it is another version's.
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
    """How many actions there were, and how each kind was run, such as `remote cache hit`."""

    total: int
    kinds: Mapping[str, int]

    @property
    def cache_hits(self) -> int:
        """Actions that a cache answered."""
        return sum(n for kind, n in self.kinds.items() if kind.endswith("cache hit"))

    @property
    def executed(self) -> int:
        """Actions that were run, here or by an executor."""
        return self.total - self.cache_hits - self.kinds.get("internal", 0)


def count_actions(log: str) -> ActionCounts | None:
    """What Bazel's last `INFO: 5 processes: 1 remote cache hit, 4 internal.` says."""
    found = _PROCESSES_LINE.findall(log)
    if not found:
        return None
    total, kinds = found[-1]
    return ActionCounts(
        int(total), {kind.strip(): int(n) for n, kind in _ACTION_KIND.findall(kinds)}
    )


def parse_progress(line: str) -> str | None:
    """What a line of the log says of the way that is left, or None."""
    found = _PROGRESS_LINE.match(line)
    return found[0] if found else None


def find_error_lines(lines: Sequence[str]) -> tuple[str, list[str]]:
    """The lines of a failed build's log that say most: the first error, and the last lines."""
    reported = [line for line in lines if _ERROR_LINE.search(line)]
    first = (
        reported[0]
        if reported
        else next((x for x in reversed(lines) if x.strip()), "it said nothing")
    )
    kept = [*reported[:_MAX_ERROR_LINES], *(x for x in lines[-_TAIL_LINES:] if x not in reported)]
    return first, kept
