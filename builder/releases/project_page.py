"""Read an index's page of a project: what is wrong with one is a `ValueError` in plain words.

Rules: the Simple Repository API, https://packaging.python.org/en/latest/specifications/simple-repository-api/.
A reader refuses another major version, and reads a newer minor one (PEP 629).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from packaging.version import Version

from builder.errors import WheelError
from builder.model import ListedWheel
from builder.system.warning_filters import ignore_warnings
from builder.wheel.names import parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypi_simple import DistributionPackage


class ProjectPageError(ValueError):
    """A page that this tool cannot read; the message says why, in one line."""


@contextmanager
def explain_page_errors() -> Iterator[None]:
    """Raise what is wrong with a page, during the block that fetches and parses one.

    Raises:
        ProjectPageError: the page is of another major version of the API, or is malformed.
    """
    from pydantic import ValidationError
    from pypi_simple import UnsupportedRepoVersionError

    try:
        with ignore_warnings():  # of a newer minor version
            yield
    except UnsupportedRepoVersionError as error:
        raise ProjectPageError(
            f"it speaks version {error.declared_version[:20]} of the index API, and this tool "
            f"{error.supported_version}"
        ) from error
    except RecursionError as error:
        raise ProjectPageError("its page is nested too deeply") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise ProjectPageError(f"its page is malformed: {place}: {first['msg']}") from error


def to_listed_wheel(package: DistributionPackage) -> ListedWheel | None:
    """Take over a wheel as a page lists it; a missing hash or size is "" or 0.

    Returns:
        The wheel; None for other files, and for names that no wheel can have: they become the names
        of files, so they must not lead anywhere, and versions are sorted.
    """
    if package.package_type != "wheel" or package.version is None or "/" in package.filename:
        return None
    try:
        parse_wheel_filename(package.filename)
        Version(package.version)
    except (WheelError, ValueError):  # int() refuses a number of some thousand digits
        return None
    uploaded = package.upload_time
    return ListedWheel(
        filename=package.filename,
        size=package.size or 0,
        sha256=(package.digests or {}).get("sha256", ""),
        requires_python=package.requires_python,
        upload_time="" if uploaded is None else uploaded.isoformat().replace("+00:00", "Z"),
        yanked=bool(package.is_yanked),
    )
