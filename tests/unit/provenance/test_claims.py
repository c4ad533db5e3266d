"""The digests over the codemods' sources that statements may name."""

from __future__ import annotations

import pytest

from builder.patching.codemods import hash_codemod_source
from builder.provenance import claims

pytestmark = pytest.mark.usefixtures("warm")


def test_the_digest_of_the_codemods_is_pinned() -> None:
    """Whoever changes their source decides whether earlier statements hold: patches/README.md."""
    today, *earlier = claims.EQUAL_CODEMODS
    assert hash_codemod_source() == today
    assert today not in earlier
