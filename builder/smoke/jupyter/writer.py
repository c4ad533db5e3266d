"""Write the event files of the smoke notebook, and record what was written.

This module runs in the kernel, on the kernel's Python (3.7 and later). It is uploaded there with
the modules that it imports. All of them need only the standard library, and no TensorBoard.
"""

from __future__ import annotations

import base64
import json
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List  # noqa: UP035 - see `WrittenPoints`

from builder.tensorboard import summaries
from builder.tensorboard.events import encode_bytes, encode_event, encode_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

# Kind → tag → points, each a step and the value written there. Python 3.7 evaluates this.
WrittenPoints = Dict[str, Dict[str, List[Any]]]  # noqa: UP006

_FILE_VERSION = 3  # `Event.file_version`


class EventFileWriter:
    """An event file that is open for as long as the block lasts.

    Args:
        directory: directory of the TensorBoard run; made if it does not exist.

    Attributes:
        written: scalars as the 32-bit floats that the file holds, histograms as rows (left edge,
            right edge, count), images as base64.
    """

    def __init__(self, directory: str) -> None:
        self.written: WrittenPoints = {"scalars": {}, "histograms": {}, "images": {}}
        self._directory = Path(directory)

    def __enter__(self) -> EventFileWriter:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / f"events.out.tfevents.{int(time.time())}.smoke"
        self._file = path.open("wb")
        self._write_event(0, encode_bytes(_FILE_VERSION, "brain.Event:2"))
        return self

    def __exit__(  # without `/`, which Python 3.7 does not know
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write_scalar(self, tag: str, step: int, value: float) -> None:
        """Write a scalar."""
        self._write_event(step, summaries.encode_summary(summaries.encode_scalar(tag, value)))
        self._keep_point("scalars", tag, step, struct.unpack("<f", struct.pack("<f", value))[0])

    def write_histogram(
        self, tag: str, step: int, edges: Sequence[float], counts: Sequence[float]
    ) -> None:
        """Write a histogram: counts between edges, of which there is one more."""
        self._write_event(
            step, summaries.encode_summary(summaries.encode_histogram(tag, edges, counts))
        )
        rows = [[edges[k], edges[k + 1], count] for k, count in enumerate(counts)]
        self._keep_point("histograms", tag, step, rows)

    def write_image(self, tag: str, step: int, rows: Sequence[Sequence[int]]) -> None:
        """Write a grey image, each pixel from 0 (black) to 255."""
        picture = summaries.encode_png(len(rows[0]), list(map(bytes, rows)), summaries.PNG_GREY)
        value = summaries.encode_image(tag, len(rows[0]), len(rows), [picture])
        self._write_event(step, summaries.encode_summary(value))
        self._keep_point("images", tag, step, base64.b64encode(picture).decode("ascii"))

    def _write_event(self, step: int, what: bytes) -> None:
        self._file.write(encode_record(encode_event(time.time(), step, what)))

    def _keep_point(self, kind: str, tag: str, step: int, value: Any) -> None:
        self.written[kind].setdefault(tag, []).append([step, value])


def save_written_points(path: str, written: dict[str, WrittenPoints]) -> None:
    """Save what was written as JSON, run → kind → tag → points, for comparison."""
    Path(path).write_text(json.dumps(written), encoding="ascii")
