"""Environment variables that hold credentials."""

from __future__ import annotations

# For publishing; from an identity of a CI run, tokens are made.
SECRETS = [
    "TWINE_USERNAME",
    "TWINE_PASSWORD",
    "UV_PUBLISH_TOKEN",
    "UV_PUBLISH_PASSWORD",
    "FLIT_PASSWORD",
    "HATCH_INDEX_AUTH",
    "POETRY_PYPI_TOKEN_PYPI",
    "POETRY_HTTP_BASIC_MINE_PASSWORD",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "CIRCLE_OIDC_TOKEN",
    "CIRCLE_OIDC_TOKEN_V2",
    "PYPI_ID_TOKEN",
    "TESTPYPI_ID_TOKEN",
    "SIGSTORE_ID_TOKEN",
]
# For git's hosts.
HOST_TOKENS = [
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
]
