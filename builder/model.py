"""The values that the packages exchange: frozen, and without side effects.

They are msgspec Structs; a NamedTuple is what is unpacked, or has but a few fields.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = "tensorboard"
NOTEBOOK_PATH = f"{PACKAGE}/notebook.py"
FIRST_RELEASE = "1.13.0"
# 1.13.x imports the TensorFlow of its time when it starts, which today's Pythons cannot install.
FIRST_RUNNABLE_RELEASE = "1.14.0"


class ListedWheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published file: `size` in bytes, `sha256` in lower-case hex, `upload_time` ISO 8601."""

    filename: str
    size: int
    sha256: str
    requires_python: str | None
    upload_time: str
    yanked: bool


class Release(msgspec.Struct, frozen=True):
    """One upstream version with its facts.

    Attributes:
        version: as the index spells it, such as `2.2.1`.
        wheels: every wheel that was published for it.
        commit: the true source commit, or None if it is not known yet.
        notebook_blob: git blob id of `tensorboard/notebook.py`, or None if unknown.
        native_proxy_url: whether upstream's own code reads TENSORBOARD_PROXY_URL, or None if
            unknown.
        requires_dist: the wheel's requirements, or None if unknown.
        pinned: False for a release that was looked up live instead of in the catalog.
    """

    version: str
    wheels: tuple[ListedWheel, ...]
    commit: str | None = None
    notebook_blob: str | None = None
    native_proxy_url: bool | None = None
    requires_dist: tuple[str, ...] | None = None
    pinned: bool = True

    @property
    def wheel(self) -> ListedWheel:
        """The wheel for Python 3 (up to 2.1.0 there is another one for Python 2)."""
        return self.python3_wheels[0]

    @property
    def python3_wheels(self) -> tuple[ListedWheel, ...]:
        """The wheels that Python 3 can install."""
        return tuple(w for w in self.wheels if "-py3-" in w.filename or "py2.py3" in w.filename)

    @property
    def yanked(self) -> bool:
        """True when upstream has withdrawn the wheel (PEP 592)."""
        return self.wheel.yanked


class AppliedPatch(msgspec.Struct, frozen=True):
    """A patch applied in a Delta: a diff, codemod or commit, its sha256, the paths it changed."""

    series: str
    file: str
    sha256: str
    paths: tuple[str, ...]
    codemod: bool = False
    commit: bool = False

    @property
    def label(self) -> str:
        """`series/file`, as messages and provenance name it."""
        return f"{self.series}/{self.file}"


class FileChange(msgspec.Struct, frozen=True):
    """One member that a Delta changes: its sha256 (hex) in the stock wheel, and its new bytes."""

    before: str
    after: bytes


class MetadataEdit(NamedTuple):
    """One edit of METADATA.

    Attributes:
        action: `drop` (the requirement of that name), `add` (one more header), `set` (its value).
        header: the header's name.
        value: the requirement's name for `drop`, else the new value.
        why: the reason, in one line, for people.
    """

    action: str
    header: str
    value: str
    why: str


class Delta(msgspec.Struct, frozen=True):
    """What series change in one release.

    Attributes:
        changes: path in the wheel → `FileChange`.
        metadata: edits of METADATA, in the order in which they are made.
        applied: the patch files, in the order in which they were applied.
        native: series whose behaviour upstream already has in this release.
        idle: series that have nothing for this release.
        series: series that change files or METADATA, in order; cherry-picks are not among them.
    """

    changes: Mapping[str, FileChange] = msgspec.field(default_factory=dict)
    metadata: tuple[MetadataEdit, ...] = ()
    applied: tuple[AppliedPatch, ...] = ()
    native: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    series: tuple[str, ...] = ()

    @property
    def commits(self) -> tuple[str, ...]:
        """The commits that were cherry-picked, by their full ids, in order."""
        return tuple(patch.file for patch in self.applied if patch.commit)


class PathChange(NamedTuple):
    """What a commit does to one path.

    Attributes:
        path: from the root of the repository.
        status: A added, D removed, M changed, T another type (git-diff-tree(1)).
        before: git blob id, zeros if there is none; `after` likewise.
        mode: as git writes it, such as 100644; `new_mode` likewise.
    """

    path: str
    status: str
    before: str
    after: str
    mode: str
    new_mode: str


class ConflictHunk(NamedTuple):
    """One place where a commit conflicts: its first line in the release's file, and both sizes.

    The sizes are in lines: `ours` is the release's side, `theirs` is the commit's.
    """

    line: int
    ours: int
    theirs: int


class Conflict(NamedTuple):
    """A file in which a commit conflicts: its hunks, or why if it conflicts as a whole."""

    path: str
    hunks: tuple[ConflictHunk, ...]
    why: str


class CommitOrigin(NamedTuple):
    """Whose a commit is.

    Attributes:
        kind: `upstream`, `pull request N` (of upstream) or `from` (`--from`'s repository), as in
            statements.
        text: the branch, tag or pull request and the repository, in words.
    """

    kind: str
    text: str


class PickedCommits(msgspec.Struct, frozen=True):
    """Commits that were cherry-picked onto a release's source.

    Attributes:
        upstream: URL of the repository that has the release, without user and password.
        remote: URL of the repository that has the commits if it is another one, else "".
        base: the release's own commit.
        commits: the requested commits, full ids, in order.
        native: those of them that the release already has.
        head: the commit that the picks made; `base` if all are native.
        tree: the git tree of `head`.
        left_out: changed paths that no wheel ships.
        pull_requests: the numbers of upstream's pull requests that commits may be of.
        origins: whose each of `commits` is.
    """

    upstream: str
    remote: str
    base: str
    commits: tuple[str, ...]
    native: tuple[str, ...]
    head: str
    tree: str
    left_out: tuple[str, ...]
    pull_requests: tuple[int, ...] = ()
    origins: tuple[CommitOrigin, ...] = ()


class IdentityKind(StrEnum):
    """What a final wheel is called: a test distribution, or the same name with a local version."""

    TEST = "test"
    LOCAL = "local"


class Identity(msgspec.Struct, frozen=True):
    """Name and version of the final wheel as in METADATA, and the build tag of its file name."""

    kind: IdentityKind
    name: str
    version: str
    build_tag: str | None = None


class FindingStatus(StrEnum):
    """What a finding means for the verdict."""

    NEW = "new"
    INHERITED = "inherited"
    UNCHECKED = "unchecked"


class Finding(msgspec.Struct, frozen=True):
    """One thing that a check found.

    Attributes:
        code: key of the table in `builder.checks.table`.
        subject: what it is about: a member's path, a header, or "" for the wheel as a whole.
        detail: what was seen.
        status: whether it is new, is in the stock wheel too, or could not be decided.
    """

    code: str
    subject: str
    detail: str
    status: FindingStatus = FindingStatus.NEW
