"""Environment variables with credentials for publishing, which other programs must not see.

Only the standard library is imported: `noxfile.py` runs this file before anything is installed, so
that what is installed does not see them either.

This takes them out of what a program inherits. It is no wall: a program of the same user can read
the environment of our own process, and those of the shell and nox above it (proc(5), `environ`).
So workflows hold a token only where nothing else is started (.github/workflows).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# What git's credential helpers may need, and nothing else of ours.
_HOST_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN")
_PREFIXES = (
    "TWINE_",
    "UV_PUBLISH_",
    "FLIT_",
    "HATCH_INDEX_",
    "POETRY_HTTP_BASIC_",
    "POETRY_PYPI_TOKEN_",
    # From these, anybody gets the identity of a CI run: GitHub's, CircleCI's.
    "ACTIONS_ID_TOKEN_",
    "ACTIONS_RUNTIME_TOKEN",
    "CIRCLE_OIDC_TOKEN",
)
# GitLab's identities: PYPI_ID_TOKEN, SIGSTORE_ID_TOKEN and whatever else one calls them.
_SUFFIX = "_ID_TOKEN"


def list_secret_variables(names: Iterable[str], *, for_git: bool = False) -> list[str]:
    """List those of the variables that hold credentials.

    Args:
        names: names of environment variables.
        for_git: leave out the tokens of git's hosts.
    """
    return [
        name
        for name in names
        if name.startswith(_PREFIXES)
        or name.endswith(_SUFFIX)
        or (not for_git and name in _HOST_TOKENS)
    ]
