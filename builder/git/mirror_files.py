"""Write the files of a mirror by which git behaves, and refuse those that are not ours to have.

In a mirror, `config` and `info/attributes` are written anew when it is opened, unless they are just
as they would be written. What else a repository can have is without effect: hooks and the like by
settings, replaced objects and grafts by variables (`builder.git.git_environment`). A file that
leads to objects, refs or a configuration elsewhere, or cuts off history, cannot be ruled out
that way, so it is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.errors import SourceError
from builder.system.files import open_replacement
from builder.system.ownership import (
    UntrustedPathError,
    check_trusted_directory,
    make_private_directory,
    write_private_file,
)

if TYPE_CHECKING:
    from pathlib import Path

    from builder.git.remote import Remote

# git takes an attribute from the last of these lines that has it, and from a `.gitattributes` of a
# commit only if none has (gitattributes(5)); so all that git knows are here.
# - `merge`, not `!merge`: it is git's own three-way merge, whatever `merge.default` says. It is in
#   the first line, so that a macro of that name in a commit comes too late for the others.
# - `!working-tree-encoding`, as git refuses it with `-`.
# - `!diff`, as with `diff` or `-diff` binary files would be compared as text, or text not at all.
# dockerfiles/build-wheel.sh has the same lines.
ATTRIBUTES = (
    "* merge",
    "* !diff !whitespace !conflict-marker-size !delta !encoding",
    "* -text -crlf !eol -ident -filter !working-tree-encoding",
    "* -export-ignore -export-subst",
)
# {} is the quoted address. A filter and `promisor` are what `git clone --filter` writes.
_CONFIGURATION = """\
[core]
\trepositoryformatversion = 1
\tfilemode = true
\tbare = true
[remote "origin"]
\turl = {}
\tpromisor = true
\tpartialclonefilter = blob:none
"""
# gitrepository-layout(5).
_FORBIDDEN = ("commondir", "shallow", "objects/info/alternates", "objects/info/http-alternates")


def write_mirror_files(directory: Path, remote: Remote) -> None:
    """Write configuration and attributes of a mirror, if they are not as they should be.

    Args:
        directory: the mirror.
        remote: the repository that it was cloned from.

    Raises:
        SourceError: it has files that lead elsewhere.
        OSError: a file cannot be read or written.
    """
    for name in _FORBIDDEN:
        if (directory / name).exists():
            raise SourceError(
                f"the mirror {directory} is not used: it has a file `{name}`, which we never write",
                f"remove the mirror, and it is cloned anew: rm -r {directory}",
            )
    quoted = remote.url.replace("\\", "\\\\").replace('"', '\\"')
    make_private_directory(directory / "info")
    for path, text in (
        (directory / "config", _CONFIGURATION.format(f'"{quoted}"')),
        (directory / "info" / "attributes", "".join(f"{line}\n" for line in ATTRIBUTES)),
    ):
        content = text.encode()
        if not path.is_file() or path.is_symlink() or path.read_bytes() != content:
            with open_replacement(path) as new:
                write_private_file(new, content)


def check_mirror_ownership(cache: Path, directory: Path) -> None:
    """Check that nobody else may have written a mirror, or the directory of mirrors.

    Raises:
        SourceError: somebody else may have.
    """
    try:
        check_trusted_directory(cache, directory, recursive=directory.suffix == ".git")
    except UntrustedPathError as error:
        raise SourceError(f"no mirror is used: {error.reason}", error.remedy) from error
