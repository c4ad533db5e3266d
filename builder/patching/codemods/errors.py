"""What a codemod raises."""

from __future__ import annotations


class CodemodError(ValueError):
    """The breakage is there, in a shape that the codemod's precondition does not cover.

    The message is one line and names the line of the source that is in the way.
    """
