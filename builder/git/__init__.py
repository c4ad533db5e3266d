"""Work with upstream's repository and with our own, by GitPython and the system's git."""

from builder.git.checkout import find_tool_commit
from builder.git.conflicts import describe_conflicts
from builder.git.git_environment import remove_git_variables
from builder.git.merge import merge_trees
from builder.git.mirror import Mirror, open_mirror
from builder.git.pick import cherry_pick
from builder.git.remote import PUBLIC_REMOTE, Remote, check_revision, parse_remote
from builder.git.repository import EMPTY_TREE, Commit
from builder.git.upstream import Upstream

__all__ = [
    "EMPTY_TREE",
    "PUBLIC_REMOTE",
    "Commit",
    "Mirror",
    "Remote",
    "Upstream",
    "check_revision",
    "cherry_pick",
    "describe_conflicts",
    "find_tool_commit",
    "merge_trees",
    "open_mirror",
    "parse_remote",
    "remove_git_variables",
]
