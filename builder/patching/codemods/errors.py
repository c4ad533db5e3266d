"""The error that codemods raise."""

from __future__ import annotations


class CodemodError(ValueError):
    """The code to fix is there, but in a form that the codemod's precondition does not cover.

    The message is one line and, where it can, names the line number in the source.
    """
