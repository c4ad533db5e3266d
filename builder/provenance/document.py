"""Read provenance statements: the fields that this tool uses, as types.

in-toto and SLSA want a reader to ignore fields that it does not know. `externalParameters` are our
own, by our `buildType`: there, a field that is not known is an error.
https://github.com/in-toto/attestation/blob/main/spec/v1/README.md#parsing-rules
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from builder.model import IdentityKind  # noqa: TC001 - msgspec looks it up to decode

if TYPE_CHECKING:
    from collections.abc import Sequence

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"

_CommitId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}\Z")]


class Resource(msgspec.Struct, frozen=True):
    """An artefact or a source: name, URI, and algorithm → digest in hex."""

    digest: dict[str, str]
    name: str = ""
    uri: str = ""


class RequestedPicks(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"remote": "from", "pull_requests": "pullRequests"},
):
    """The commits that were requested, by their full ids, and whose they may be."""

    commits: Annotated[tuple[_CommitId, ...], msgspec.Meta(min_length=1)]
    upstream: str
    remote: str | None
    pull_requests: tuple[Annotated[int, msgspec.Meta(ge=1)], ...] = ()


class ExternalParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What the user requested."""

    release: str
    series: tuple[str, ...]
    identity: IdentityKind
    name: str
    version: str
    build_tag: str | None
    cherry_pick: RequestedPicks | msgspec.UnsetType = msgspec.UNSET


class InternalParameters(msgspec.Struct, frozen=True, rename="camel"):
    """What the build made of it; the types of the values are those of `statements`."""

    changes: Any
    metadata: Any
    source: Any = None
    backend: Any = msgspec.UNSET
    native: Any = msgspec.UNSET
    source_commit: Any = msgspec.UNSET


class BuildDefinition(msgspec.Struct, frozen=True, rename="camel"):
    """Inputs of a build, from which it can be repeated."""

    build_type: str
    external_parameters: ExternalParameters
    internal_parameters: InternalParameters
    resolved_dependencies: tuple[Resource, ...]


class BuilderVersion(msgspec.Struct, frozen=True):
    """The versions of the builder: the commit of this tool, with `-dirty` if it had changes."""

    commit: (
        Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})(-dirty)?\Z")] | None
    ) = None


class Builder(msgspec.Struct, frozen=True):
    """Who built it."""

    version: BuilderVersion


class RunDetails(msgspec.Struct, frozen=True):
    """How it was built this time."""

    builder: Builder


class Predicate(msgspec.Struct, frozen=True, rename="camel"):
    """SLSA's provenance."""

    build_definition: BuildDefinition
    run_details: RunDetails


class Statement(msgspec.Struct, frozen=True, rename="camel"):
    """in-toto's statement, with SLSA's provenance."""

    type: str = msgspec.field(name="_type")
    subject: tuple[Resource, ...]
    predicate_type: str
    predicate: Predicate


def decode_statement(content: bytes) -> Statement:
    """Decode a statement.

    Raises:
        ValueError: it is no statement of ours, a field is missing or of another type, or a key
            stands twice in one object, where readers differ in which of the values they take.
    """
    try:
        statement = msgspec.json.decode(content, type=Statement)
        json.loads(content, object_pairs_hook=_refuse_repeated_keys)
    except RecursionError as error:
        raise ValueError("its brackets are nested too deeply") from error
    return statement


def _refuse_repeated_keys(pairs: Sequence[tuple[str, object]]) -> None:
    """Refuse an object in which a key stands twice; the value itself is not needed."""
    keys: set[str] = set()
    for key, _ in pairs:
        if key in keys:
            raise ValueError(f"the key {key!r} stands twice")
        keys.add(key)
