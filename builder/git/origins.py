"""Find out whose a commit is: which branch, tag or pull request has it in its history.

A server hands out more by id than its owner has published: heads of pull requests, and on some
hosts whatever is in a fork. So a commit is not a repository's own for being handed out by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import SourceError
from builder.git.refresh_times import describe_refresh_time
from builder.model import CommitOrigin

if TYPE_CHECKING:
    from builder.git.mirror import Mirror

_REF_KINDS = {"heads": "branch", "tags": "tag"}


def find_origins(mirror: Mirror, commit: str) -> tuple[CommitOrigin, ...]:
    """Find everybody named who has a commit: upstream, its pull requests, `--from`'s repository.

    All refs are fetched before, once in a run; offline, the mirror's are judged as they are, and
    the texts say as of when.

    Raises:
        SourceError: nobody has it, or a repository cannot be reached.
    """
    mirror.refresh()
    upstream = mirror.upstream_remote.url
    found = [_find_origin(mirror, commit, "upstream", "refs", upstream, "upstream")]
    for number in mirror.pull_requests:
        if _find_ref(mirror, commit, f"refs/pull/{number}/head") is not None:
            when = _describe_time(mirror, f"pull-{number}")
            text = f"pull request {number} of {upstream}{when}"
            found.append(CommitOrigin(f"pull request {number}", text))
    if mirror.commits_remote != mirror.upstream_remote:
        remote, namespace = mirror.commits_remote, mirror.get_fork_namespace()
        found.append(_find_origin(mirror, commit, "from", namespace, remote.url, remote.key))
    origins = tuple(filter(None, found))
    if not origins:
        raise make_absence_error(mirror, commit)
    return origins


def make_absence_error(mirror: Mirror, revision: str) -> SourceError:
    """Make the error for a commit that is of nobody who was named, be it in the mirror or not."""
    remotes = dict.fromkeys((mirror.upstream_remote.url, mirror.commits_remote.url))
    numbers = "".join(f", nor in pull request {n}" for n in mirror.pull_requests)
    when = _describe_time(mirror, "upstream")
    return SourceError(
        f"there is no commit {revision} in a branch or tag of {' or '.join(remotes)}{numbers}"
        f"{when and f'{when}, and --offline asks nobody'}",
        "look at its id; if you trust it, say whose it is: --from REPOSITORY, or --pull-request N "
        "of upstream's",
    )


def _find_origin(
    mirror: Mirror, commit: str, kind: str, namespace: str, url: str, key: str
) -> CommitOrigin | None:
    """Find a commit in a repository's branches and tags, which are below `namespace`."""
    ref = _find_ref(mirror, commit, *(f"{namespace}/{below}" for below in _REF_KINDS))
    if ref is None:
        return None
    below, _, name = ref.removeprefix(f"{namespace}/").partition("/")
    shown = name if name.isprintable() else ascii(name)
    return CommitOrigin(kind, f"{_REF_KINDS[below]} {shown} of {url}{_describe_time(mirror, key)}")


def _find_ref(mirror: Mirror, commit: str, *patterns: str) -> str | None:
    """Find a ref that has a commit in its history, preferably one that points at it."""
    form = "--format=%(objectname) %(*objectname) %(refname)"
    listed = mirror.runner.run_git("for-each-ref", form, f"--contains={commit}", "--", *patterns)
    # Not `splitlines`: a name may have characters that it takes for the end of a line.
    rows = [line.split(" ") for line in filter(None, listed.text.split("\n"))]
    return min(rows, key=lambda row: (commit not in row, row[-1]))[-1] if rows else None


def _describe_time(mirror: Mirror, key: str) -> str:
    return f" as of {describe_refresh_time(mirror.runner.directory, key)}" if mirror.offline else ""
