"""Push a branch and open a pull request on GitHub, with gh."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

from builder.system import command

if TYPE_CHECKING:
    from pathlib import Path

_NETWORK_SECONDS = 120.0
_AUTHOR = "tensorboard-proxy-wheels"
# The variables from which gh reads its token.
_TOKEN_VARIABLES = ("GH_TOKEN", "GITHUB_TOKEN")


def has_pull_request(root: Path, branch: str) -> bool:
    """Whether GitHub has a pull request from that branch, open or closed.

    Raises:
        CommandError: gh is missing, or is not logged in.
    """
    words = ["gh", "pr", "list", "--head", branch, "--state", "all", "--json", "number"]
    found = command.run_command(words, timeout=_NETWORK_SECONDS, cwd=root, secrets=_TOKEN_VARIABLES)
    return bool(json.loads(found))


def open_pull_request(root: Path, path: Path, branch: str, title: str, body: str) -> str:
    """Commit one file on a new branch, push it, open a pull request on GitHub and return its URL.

    Afterwards the checkout is on that branch. gh passes git the token from its environment. A
    remote branch of that name, from a run that failed to open a pull request, is replaced.

    Args:
        root: the checkout.
        path: the file.
        branch: the new branch's name, which nobody else uses.
        title: the title of the commit and of the pull request.
        body: the text of the pull request, in Markdown.

    Raises:
        CommandError: git or gh failed.
    """
    git = ["git", "-C", str(root)]
    author = ["-c", f"user.name={_AUTHOR}", "-c", f"user.email={_AUTHOR}@users.noreply.github.com"]
    helper = ["-c", "credential.helper=", "-c", "credential.helper=!gh auth git-credential"]
    for words in (
        [*git, "switch", "--quiet", "--create", branch],
        [*git, "add", "--", str(path)],
        [*git, *author, "commit", "--quiet", "--message", title],
        [*git, *helper, "push", "--quiet", "origin", f"+HEAD:refs/heads/{branch}"],
    ):
        command.run_command(words, timeout=_NETWORK_SECONDS, secrets=_TOKEN_VARIABLES)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".md") as file:
        file.write(body)
        file.flush()
        words = ["gh", "pr", "create", "--head", branch, "--title", title, "--body-file", file.name]
        return command.run_command(
            words, timeout=_NETWORK_SECONDS, cwd=root, secrets=_TOKEN_VARIABLES
        ).strip()
