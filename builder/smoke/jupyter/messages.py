"""Messages that a cell sends, and what a front end displays for them.

The messages are those of the Jupyter messaging protocol (jupyter-client's document "Messaging in
Jupyter", "Messages on the IOPub channel").
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

# `"MIME type": value`; a JSON document.
MimeBundle = dict[str, Any]
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class KernelMessage(NamedTuple):
    """One message about a cell.

    Attributes:
        kind: its `msg_type`, such as `display_data`.
        content: as the protocol defines it for its kind.
        seconds: from the request to its arrival.
    """

    kind: str
    content: MimeBundle
    seconds: float


class CellExecution(msgspec.Struct, frozen=True):
    """A cell that has run.

    Attributes:
        messages: the messages about it, in order, without changes of the kernel's state.
        seconds: from the request to the reply.
    """

    messages: tuple[KernelMessage, ...]
    seconds: float

    def get_stream_text(self, stream: str = "stdout") -> str:
        """Join all text that the cell wrote to a stream."""
        return "".join(
            m.content["text"]
            for m in self.messages
            if m.kind == "stream" and m.content["name"] == stream
        )

    @property
    def error(self) -> str | None:
        """The cell's error, such as `NameError: name 'x' is not defined`, or None."""
        for message in self.messages:
            if message.kind == "error":
                return _COLOUR.sub("", f"{message.content['ename']}: {message.content['evalue']}")
        return None

    @property
    def displays(self) -> tuple[MimeBundle, ...]:
        """The displays below the cell in the end: an update replaces what was displayed before.

        An update of a display that this cell does not have is for another cell, and left out.
        """
        bundles: list[MimeBundle] = []
        places: dict[str, int] = {}
        for message in self.messages:
            name = message.content.get("transient", {}).get("display_id")
            if message.kind == "update_display_data" and name in places:
                bundles[places[name]] = message.content["data"]
            elif message.kind in ("display_data", "execute_result"):
                if name is not None:
                    places[name] = len(bundles)
                bundles.append(message.content["data"])
        return tuple(bundles)

    @property
    def first_displays(self) -> tuple[MimeBundle, ...]:
        """The displays as `display_data` sent them, before any update."""
        return tuple(m.content["data"] for m in self.messages if m.kind == "display_data")

    @property
    def message_kinds(self) -> tuple[str, ...]:
        """The kinds of its messages, in order."""
        return tuple(m.kind for m in self.messages)
