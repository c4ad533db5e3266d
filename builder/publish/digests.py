"""Write and read the digests of wheels, as one job of a CI run hands them to the next. Pure.

The lines are those of sha256sum: `HEX  FILENAME`. A job that holds a token uploads only files that
have one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from builder.errors import RequestError
from builder.wheel.names import parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(r"([0-9a-f]{64}) [ *]([A-Za-z0-9_.!+-]+)")


def format_digests(digests: Mapping[str, str]) -> str:
    """Format file name → sha256 (hex) as lines, sorted by name."""
    return "\n".join(f"{sha256}  {filename}" for filename, sha256 in sorted(digests.items()))


def parse_digests(text: str) -> dict[str, str]:
    """Parse such lines: file name → sha256 (hex). Empty lines do not count.

    Raises:
        RequestError: a line is no digest of a wheel, a file is named twice, or there are none.
        WheelError: a file is not named like a wheel.
    """
    digests: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        found = _LINE.fullmatch(line)
        if found is None:
            raise RequestError(
                f"{line[:100]!r} is no digest", "a digest is a line of sha256sum: HEX  FILENAME"
            )
        sha256, filename = found.groups()
        parse_wheel_filename(filename)
        if filename in digests:
            raise RequestError(f"{filename} has two digests", "give one for each file")
        digests[filename] = sha256
    if not digests:
        raise RequestError("there are no digests", "give what `build --digests-output` wrote")
    return digests
