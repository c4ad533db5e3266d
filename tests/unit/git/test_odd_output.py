"""builder.git.merge: output of git that has another form, as fuzzing made it."""

from __future__ import annotations

import pytest

from builder.errors import SourceError
from builder.git.merge import parse_merge_output

_ID = b"0123456789" * 4


@pytest.mark.parametrize("entry", [b" 100644 %s 1\ta" % _ID, b"100644\ta", b"\ta"])
def test_a_conflict_of_another_form_is_an_error(entry: bytes) -> None:
    """It was a ValueError, and so a fault of ours."""
    with pytest.raises(SourceError, match="list of conflicts cannot be read"):
        parse_merge_output(_ID + b"\0" + entry + b"\0")
