"""What the verbs share that name an index: the options that say which, and the libraries."""

from __future__ import annotations

from importlib.util import find_spec

import click

from builder.errors import PublishError, make_extra_hint

repository_options = (
    click.option(
        "--repository",
        metavar="NAME|URL",
        help="testpypi, pypi, a section of ~/.pypirc, or a URL.",
    ),
    click.option(
        "--index-url",
        metavar="URL",
        help="Where the repository serves files. Default: derived from where it takes them.",
    ),
)


def require_libraries(*names: str) -> None:
    """Check that the libraries for publishing are installed.

    They are an extra, so that building needs none of them.

    Raises:
        PublishError: one is not installed.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise PublishError(
            f"publishing needs {', '.join(missing)}",
            f"{make_extra_hint('publish')}; `nox -s publish` does",
        )
