"""builder.releases.project_page: pages that no reader should stumble over."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from pypi_simple import ProjectPage
from requests import Response

from builder.releases.project_page import ProjectPageError, explain_page_errors, to_listed_wheel

_NAME = "tensorboard-2.99.0-py3-none-any.whl"


def _parse(document: Any, kind: str = "application/vnd.pypi.simple.v1+json") -> ProjectPage:
    response = Response()
    response.status_code = 200
    response.headers["Content-Type"] = kind
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    response.raw = io.BytesIO(content)
    with explain_page_errors():
        return ProjectPage.from_response(response, "tensorboard")


def _page(version: str = "1.1", **fields: Any) -> dict[str, Any]:
    file = {"filename": _NAME, "url": "/x", "hashes": {}, **fields}
    return {"meta": {"api-version": version}, "name": "tensorboard", "files": [file]}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (_page("2.0"), "it speaks version 2.0 of the index API, and this tool 1"),
        (_page("2" + "0" * 1000), "it speaks version 2000000"),
        (_page(size="x"), "malformed: files.0.size: Input should be a valid integer"),
        (_page() | {"files": None}, "malformed: files: Input should be a valid list"),
        ([], "malformed: the whole: "),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(document: Any, why: str) -> None:
    """Another major version, a field of another type, JSON without end."""
    with pytest.raises(ProjectPageError, match=why) as caught:
        _parse(document)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


def test_html_of_another_major_version_is_refused() -> None:
    """PEP 629 wants that."""
    page = b'<meta name="pypi:repository-version" content="2.0"><a href="x">x</a>'
    with pytest.raises(ProjectPageError, match=r"it speaks version 2\.0"):
        _parse(page, "text/html")


def test_a_newer_minor_version_and_unknown_fields_are_read() -> None:
    """Without a word of warning on the user's terminal: warnings are errors here."""
    page = _parse(_page("1.99", novelty=[1]) | {"more": {}})
    assert [p.filename for p in page.packages] == [_NAME]


@pytest.mark.parametrize(
    "filename",
    [
        f"{_NAME}/../../x.whl",
        "tensorboard-nonsense-py3-none-any.whl",
        f"tensorboard-{'9' * 5000}-py3-none-any.whl",
        "tensorboard-2.99.0.tar.gz",
    ],
)
def test_names_that_no_wheel_can_have_are_left_out(filename: str) -> None:
    """They become paths, and their versions are sorted."""
    (package,) = _parse(_page(filename=filename)).packages
    assert to_listed_wheel(package) is None
