"""builder.releases.eras: the era of a release whose upload time is no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from builder.errors import IndexLookupError
from builder.releases.eras import get_era

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.model import Release


@pytest.mark.parametrize("time", ["yesterday", "2020-99-99T00:00:00Z", "9999-12-31T00:00:00Z"])
def test_an_upload_time_that_is_none(release: Callable[[str], Release], time: str) -> None:
    """As an index or a catalog may say."""
    found = release("2.2.1")
    wheels = tuple(replace(wheel, upload_time=time) for wheel in found.wheels)
    with pytest.raises(IndexLookupError, match="an upload time that is none"):
        get_era(replace(found, wheels=wheels))
