"""Variables with credentials for publishing, by their names."""

from __future__ import annotations

from builder.system.secret_variables import list_secret_variables
from tests.support.secret_names import HOST_TOKENS, SECRETS

KEPT = ["PATH", "HTTPS_PROXY", "PIP_INDEX_URL", "UV_OFFLINE", "GITHUB_OUTPUT", "GIT_SSH_COMMAND"]


def test_what_publishes_is_hidden_and_what_reaches_a_server_is_not() -> None:
    """Also from git, but for the tokens that its credential helpers may ask for."""
    everything = [*SECRETS, *HOST_TOKENS, *KEPT]
    assert list_secret_variables(everything) == [*SECRETS, *HOST_TOKENS]
    assert list_secret_variables(everything, for_git=True) == SECRETS
