"""What answers to uploads mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import PublishError
from builder.publish.responses import (
    ResponseMeaning,
    UploadRefusedError,
    UploadResponse,
    interpret_response,
    shorten_response,
)

_FILE = "tensorboardtmp-2.2.1-py3-none-any.whl"


@given(st.integers(100, 599), st.text(max_size=200), st.none() | st.floats(0, 1e6))
def test_only_success_counts_as_stored(status: int, text: str, wait: float | None) -> None:
    """Whatever a server says: `STORED` needs 2xx, and everything else is an error or a doubt."""
    try:
        meaning = interpret_response(UploadResponse(status, text, wait), _FILE)
    except PublishError:
        assert not 200 <= status < 300
        assert status < 500
    else:
        assert (meaning is ResponseMeaning.STORED) == (200 <= status < 300)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (UploadResponse(None, "cut"), ResponseMeaning.UNKNOWN),
        (UploadResponse(504), ResponseMeaning.UNKNOWN),
        (UploadResponse(503), ResponseMeaning.UNKNOWN),
        (UploadResponse(503, "", 5.0), ResponseMeaning.UNKNOWN),
        (UploadResponse(429), ResponseMeaning.WAIT),
        (UploadResponse(409), ResponseMeaning.EXISTS),
        (UploadResponse(400, "Package 'x' already exists!"), ResponseMeaning.EXISTS),
        (UploadResponse(200), ResponseMeaning.STORED),
    ],
)
def test_meanings(answer: UploadResponse, meaning: ResponseMeaning) -> None:
    """Those that are no errors."""
    assert interpret_response(answer, _FILE) is meaning


def test_wrong_credentials_are_told_from_foreign_names() -> None:
    """The first ends a run over many releases, the second only this one."""
    with pytest.raises(UploadRefusedError):
        interpret_response(
            UploadResponse(403, "Invalid or non-existent authentication information."), _FILE
        )
    with pytest.raises(PublishError, match="403") as caught:
        interpret_response(UploadResponse(403, "isn't allowed to upload to project 'x'"), _FILE)
    assert not isinstance(caught.value, UploadRefusedError)


def test_pages_become_sentences() -> None:
    """Markup, style sheets and titles are left out, entities are read, length is bounded."""
    page = "<html><head><style>a { b }</style></head><pre>it&#39;s\n taken</pre></html>"
    assert shorten_response(page) == "it's taken"
    assert len(shorten_response("x" * 10_000)) < 400
