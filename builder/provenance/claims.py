"""Parse this tool's provenance statements, and compare what they claim."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET, convert, structs
from packaging.version import Version

from builder.errors import ProvenanceError, shorten_reason
from builder.model import Identity
from builder.provenance.document import PREDICATE_TYPE, STATEMENT_TYPE, decode_statement
from builder.provenance.statements import BUILD_TYPES, CODEMODS_URI

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from builder.provenance.document import RequestedPicks, Resource, Statement

# How the URIs of materials begin that are files of this tool.
_TOOL_PREFIXES = ("patches/", CODEMODS_URI)
# Digests of the codemods' source, as `builder.patching.codemods.hash_codemod_source` gives them:
# today's first, then those of earlier trees that gave each of the 45 wheels the same bytes
# (tests/wheels.sha256). Source that was only moved or renamed makes the same wheels, so statements
# with any of these digests are equal. When a wheel changes, only today's digest stays. The list is
# not in the package of `hash_codemod_source`, whose digest would then depend on the list.
EQUAL_CODEMODS = (
    "a66c5a585b61fd584facfa7b38954b440b8a0eae0af1d96839198b8981d681c9",
    "6c52eff9fd8abbc55d067ac56506b5055dbafc31cdf1e700790033eb977ffe04",
    "76465c1e47cf151916302a2a3b629649dc050f584b67731f73a06181f1152553",
    "3ab68e03e24543cd51a343a806acdd69336f466cf5daeae51d342da2e041ac3b",
    "b04aebd668b592cc2919c5de68764bd5ff475cdc662d132ad20ff85a9f08d0a5",
    "51f79f0606318320e0c58d044e35814975b135649967f8173a0bf10e0a100d88",
)
_MAX_SHOWN = 5


class ClaimedPicks(NamedTuple):
    """The commits that a statement claims were cherry-picked (full ids), and whose they are.

    Attributes:
        commits: the full ids, in order.
        upstream: the URL of upstream's repository.
        remote: the URL of another repository that was named, or None.
        pull_requests: the numbers of upstream's pull requests that were named.
        origins: commit → the kind of `builder.model.CommitOrigin`; empty in older statements.
    """

    commits: tuple[str, ...]
    upstream: str
    remote: str | None
    pull_requests: tuple[int, ...] = ()
    origins: Mapping[str, str] = MappingProxyType({})


class Claim(NamedTuple):
    """What a statement claims about a wheel.

    Attributes:
        filename: the wheel's file name.
        sha256: the wheel's sha256, in hex.
        release: the upstream version that it was made from.
        series: the requested series, in order.
        identity: its name and version.
        picks: the requested cherry-picks, or None.
        backend: a key of `BUILD_TYPES`.
        commit: the git commit of the tool that made it, with `-dirty` where it had changes; None if
            the tool was not a checkout.
        tool: the tool's files that decided its bytes, as
            `builder.provenance.statements.collect_tool_materials` returns them.
    """

    filename: str
    sha256: str
    release: str
    series: tuple[str, ...]
    identity: Identity
    picks: ClaimedPicks | None = None
    backend: str = "overlay"
    commit: str | None = None
    tool: Mapping[str, str] = MappingProxyType({})

    def describe(self) -> str:
        """Describe what the wheel is claimed to be: name, version, release, series and commits."""
        identity = self.identity
        return (
            f"{identity.name} {identity.version}, of release {self.release}, with "
            f"{self.describe_patches()}"
        )

    def describe_patches(self) -> str:
        """Describe the series and commits in words."""
        return describe_patches(self.series, () if self.picks is None else self.picks.commits)

    def describe_other_tree(self, tool: Mapping[str, str]) -> str | None:
        """Describe how the claimed tree of this tool differs from one with these materials.

        Args:
            tool: URI of each file or codemod → sha256, of the tree to compare with.

        Returns:
            The claimed commit, and which files differ, in words; None if no file that both have
            differs.
        """
        if all(self.tool[place] == tool[place] for place in self.tool.keys() & tool.keys()):
            return None  # more files, or fewer, do not make another tree
        places = [k for k in {*self.tool, *tool} if self.tool.get(k) != tool.get(k)]
        # The codemods share one digest: if one has changed, all differ.
        names = sorted({place.partition("#")[0] for place in places})
        more = f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
        differing = ", ".join(names[:_MAX_SHOWN])
        return f"commit {self.commit or 'unknown'}; differing here: {differing}{more}"


def describe_series(names: Sequence[str]) -> str:
    """Describe series in words, such as `the series proxy, today` or `no series`."""
    return f"the series {', '.join(names)}" if names else "no series"


def describe_patches(series: Sequence[str], commits: Sequence[str]) -> str:
    """Describe series and commits (full ids) in words that differ wherever these do."""
    return describe_series(series) + (f" and the commits {', '.join(commits)}" if commits else "")


def parse_statement(content: bytes, label: str) -> Claim:
    """Parse a statement of this tool; no field is trusted before it is checked.

    Raises:
        ProvenanceError: it is not a statement, is of another kind, or has a malformed field.
    """
    try:
        statement = decode_statement(content)
        claim = _read_claim(statement)
    except (ValueError, KeyError) as error:
        raise ProvenanceError(
            f"{label} is no provenance statement of ours ({shorten_reason(error)})",
            "build the wheel again",
        ) from error
    kinds = (statement.type, statement.predicate_type)
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE) or not claim.backend:
        raise ProvenanceError(f"{label} is a statement of another kind", "build the wheel again")
    return claim


def _read_claim(statement: Statement) -> Claim:
    definition = statement.predicate.build_definition
    parameters = definition.external_parameters
    (subject,) = statement.subject
    backends = {build_type: name for name, build_type in BUILD_TYPES.items()}
    return Claim(
        filename=_check_text(subject.name),
        sha256=_check_text(subject.digest["sha256"]),
        release=str(Version(_check_text(parameters.release))),
        series=tuple(_check_text(name) for name in parameters.series),
        identity=Identity(
            parameters.identity,
            _check_text(parameters.name),
            _check_text(parameters.version),
            None if parameters.build_tag is None else _check_text(parameters.build_tag),
        ),
        picks=None
        if parameters.cherry_pick is UNSET
        else _read_picks(parameters.cherry_pick, definition.internal_parameters.source),
        backend=backends.get(definition.build_type, ""),
        commit=statement.predicate.run_details.builder.version.commit,
        tool={
            _check_text(m.uri): _check_text(m.digest["sha256"])
            for m in _replace_equal_codemods(definition.resolved_dependencies)
            if m.uri.startswith(_TOOL_PREFIXES)
        },
    )


def _read_picks(requested: RequestedPicks, source: object) -> ClaimedPicks:
    remote = requested.remote
    given = source.get("origins", {}) if isinstance(source, dict) else {}
    origins = convert(given, dict[str, str])
    if origins and origins.keys() != set(requested.commits):
        raise ValueError("its origins are not those of its commits")
    return ClaimedPicks(
        requested.commits,
        _check_text(requested.upstream),
        None if remote is None else _check_text(remote),
        requested.pull_requests,
        {commit: _check_text(kind) for commit, kind in origins.items()},
    )


def _replace_equal_codemods(materials: Sequence[Resource]) -> Sequence[Resource]:
    """Replace a digest of the codemods that equals today's (`EQUAL_CODEMODS`) by today's.

    A tree has one digest only, so materials with several of them are returned unchanged.
    """
    codemods = [m for m in materials if m.uri.startswith(CODEMODS_URI)]
    digests = {m.digest["sha256"] for m in codemods}
    if len(digests) != 1 or not digests <= set(EQUAL_CODEMODS):
        return materials
    today = {"sha256": EQUAL_CODEMODS[0]}
    return [structs.replace(m, digest=m.digest | today) if m in codemods else m for m in materials]


def _check_text(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{value!r} is no text")
    return value


def compare_statements(claimed: bytes, rebuilt: bytes) -> list[str]:
    """List where two statements differ in what a rebuild gives.

    Compared are the subject, the kind of the build, the parameters, the materials, the changes of
    each file, the series that upstream has, and the release's commit. Who built the wheel, when,
    whose its commits are, and what else the catalog has on the release may differ:
    `builder.provenance.unverified` lists that.

    Args:
        claimed: a statement that `parse_statement` has accepted.
        rebuilt: the statement of a rebuild, accepted as well.
    """
    old, new = (_select_decisive_fields(content) for content in (claimed, rebuilt))
    for fields in (old, new):
        fields["source"] = _drop_origins(fields["source"])
    return [
        f"{key}: the statement does not say what a rebuild gives"
        for key in new
        if old[key] != new[key] and not _is_left_open(key, old[key], new[key])
    ]


def _is_left_open(key: str, claimed: Any, rebuilt: Any) -> bool:
    """Whether the statement does not have the field, or no catalog knew the release's commit."""
    return claimed is UNSET or (key == "sourceCommit" and None in (claimed, rebuilt))


def has_same_claims(one: bytes, other: bytes) -> bool:
    """Whether two files are statements with the same claims; other files must be equal bytes."""
    try:
        return _select_decisive_fields(one) == _select_decisive_fields(other)
    except (ValueError, KeyError):
        return one == other


def _drop_origins(source: Any) -> Any:
    """Drop whose the commits are, which is verified apart: more may have them by now."""
    if not isinstance(source, dict):
        return source
    return {key: value for key, value in source.items() if key != "origins"}


def _select_decisive_fields(content: bytes) -> dict[str, Any]:
    statement = decode_statement(content)
    definition = statement.predicate.build_definition
    internal = definition.internal_parameters
    return {
        "subject": statement.subject,
        "buildType": definition.build_type,
        "externalParameters": definition.external_parameters,
        "resolvedDependencies": list(_replace_equal_codemods(definition.resolved_dependencies)),
        "backend": internal.backend,
        "native": internal.native,
        "changes": internal.changes,
        "metadata": internal.metadata,
        "sourceCommit": internal.source_commit,
        "source": internal.source,
    }
