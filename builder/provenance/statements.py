"""Make provenance: an in-toto statement (v1) with a SLSA provenance predicate (v1) per wheel.

Formats: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://slsa.dev/spec/v1.0/provenance. The statement is deterministic: no clock is read, and it
has a time only if SOURCE_DATE_EPOCH is set.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import packaging
import unidiff

from builder import __version__
from builder.model import PACKAGE
from builder.provenance.document import PREDICATE_TYPE, STATEMENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from builder.model import AppliedPatch, Delta, Identity, PickedCommits, Release
    from builder.patching.series import Series

# Backend → how a wheel was made; what a rebuild needs depends on it.
BUILD_TYPES = {
    "overlay": "urn:tensorboard-proxy-wheels:overlay:v1",
    "bazel": "urn:tensorboard-proxy-wheels:bazel:v1",
}
PROVENANCE_SUFFIX = ".provenance.json"
# How the URIs of codemods begin in statements. It is the name of their first package, and stays
# when they move, so that older statements still match.
CODEMODS_URI = "builder/codemods#"
BUILDER_ID = "urn:tensorboard-proxy-wheels:builder"
# Libraries whose behaviour decides the outcome of patches, and their versions.
_REWRITING_LIBRARIES = {"packaging": packaging.__version__, "unidiff": unidiff.VERSION}


class SourceBuildProvenance(NamedTuple):
    """Provenance of a build from source: its in-toto materials, and how it was built."""

    materials: Sequence[Mapping[str, Any]]
    about: Mapping[str, Any]


class BuildRun(NamedTuple):
    """The circumstances of a build.

    Attributes:
        commit: the git commit of this tool, with `-dirty` where it has changes, or None.
        epoch: SOURCE_DATE_EPOCH in seconds, or None.
        backend: a key of `BUILD_TYPES`.
        source: what Bazel built it from; None for the overlay backend.
        equivalence: how it compares with the wheel of the other backend; None if only one built it.
    """

    commit: str | None
    epoch: int | None
    backend: str = "overlay"
    source: SourceBuildProvenance | None = None
    equivalence: Mapping[str, Any] | None = None


def get_provenance_path(wheel: Path) -> Path:
    """Return the path of a wheel's provenance, next to the wheel."""
    return wheel.with_name(wheel.name + PROVENANCE_SUFFIX)


def make_statement(
    filename: str,
    sha256: str,
    release: Release,
    delta: Delta,
    identity: Identity,
    *,
    series: Sequence[Series],
    run: BuildRun,
) -> bytes:
    """Make the statement of one wheel, as the bytes of its file.

    Args:
        filename: the final wheel's file name.
        sha256: the final wheel's sha256, in hex.
        release: the release that it was made from; its stock wheel is the first material.
        delta: what the patches changed.
        identity: the final wheel's name and version.
        series: the requested series, in order.
        run: which commit of this tool built it, when, and with which backend.
    """
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": filename, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": _make_build_definition(release, delta, identity, series, run),
            "runDetails": _make_run_details(run.commit, run.epoch),
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _make_build_definition(
    release: Release, delta: Delta, identity: Identity, series: Sequence[Series], run: BuildRun
) -> dict[str, Any]:
    """Make the build definition: the request, the materials, and the change of each file."""
    changes = {
        path: {
            "before": {"sha256": change.before},
            "after": {"sha256": hashlib.sha256(change.after).hexdigest()},
        }
        for path, change in sorted(delta.changes.items())
    }
    picked = next((s.picked for s in series if s.picked is not None), None)
    facts = json.dumps(msgspec.to_builtins(release), sort_keys=True).encode()
    return {
        "buildType": BUILD_TYPES[run.backend],
        "externalParameters": {
            "release": release.version,
            "series": [s.name for s in series if s.picked is None],
            **({} if picked is None else {"cherryPick": _describe_requested_picks(picked)}),
            "identity": identity.kind.value,
            "name": identity.name,
            "version": identity.version,
            "buildTag": identity.build_tag,
        },
        "internalParameters": {
            "backend": run.backend,
            **({} if run.source is None else {"sourceBuild": run.source.about}),
            **({} if run.equivalence is None else {"equivalence": run.equivalence}),
            "catalogEntry": {"pinned": release.pinned, "sha256": hashlib.sha256(facts).hexdigest()},
            "sourceCommit": release.commit,
            **({} if picked is None else {"source": _describe_picked_source(picked)}),
            "native": list(delta.native),
            "changes": changes,
            "metadata": [
                {"action": e.action, "header": e.header, "value": e.value} for e in delta.metadata
            ],
        },
        "resolvedDependencies": [
            *_collect_materials(release, delta, series),
            *_list_source_materials(run),
        ],
    }


def collect_tool_materials(delta: Delta, series: Sequence[Series]) -> dict[str, str]:
    """Collect the files of this tool that decide a wheel's bytes.

    Returns:
        URI of each file or codemod → sha256 in hex.
    """
    return {
        **{f"patches/{s.name}/series.toml": s.sha256 for s in series if s.picked is None},
        **{_make_patch_uri(p): p.sha256 for p in delta.applied if not p.commit},
    }


def _describe_requested_picks(picked: PickedCommits) -> dict[str, Any]:
    """Describe which commits were requested, and whose they may be."""
    numbers = list(picked.pull_requests)
    return {
        "commits": list(picked.commits),
        "upstream": picked.upstream,
        "from": picked.remote or None,
        **({"pullRequests": numbers} if numbers else {}),
    }


def _describe_picked_source(picked: PickedCommits) -> dict[str, Any]:
    """Describe what git made of the requested commits, and whose they are."""
    return {
        "origins": {c: o.kind for c, o in zip(picked.commits, picked.origins, strict=True)},
        "base": {"gitCommit": picked.base},
        "native": list(picked.native),
        "leftOut": list(picked.left_out),
        "picked": {"gitCommit": picked.head, "gitTree": picked.tree},
    }


def _make_run_details(commit: str | None, epoch: int | None) -> dict[str, Any]:
    """Describe which versions built it, and when if SOURCE_DATE_EPOCH is set."""
    metadata: dict[str, Any] = {}
    if epoch is not None:
        metadata["finishedOn"] = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    versions = {
        "tensorboard-proxy-wheels": __version__,
        **({} if commit is None else {"commit": commit}),
        **_REWRITING_LIBRARIES,
    }
    return {"builder": {"id": BUILDER_ID, "version": versions}, "metadata": metadata}


def _collect_materials(
    release: Release, delta: Delta, series: Sequence[Series]
) -> list[dict[str, Any]]:
    """Collect the stock wheel, the requested series, and the applied patches.

    Cherry-picked commits follow with their git ids, after the release's own commit.
    """
    wheel = release.wheel
    places = [
        (
            f"pkg:pypi/{PACKAGE}@{release.version}?file_name={wheel.filename}",
            wheel.filename,
            wheel.sha256,
        ),
        *((f"patches/{s.name}/series.toml", s.name, s.sha256) for s in series if s.picked is None),
        *((_make_patch_uri(p), p.label, p.sha256) for p in delta.applied if not p.commit),
    ]
    return [
        *({"uri": u, "name": n, "digest": {"sha256": sha256}} for u, n, sha256 in places),
        *(
            {"uri": f"git+{where}@{commit}", "name": what, "digest": {"gitCommit": commit}}
            for s in series
            if s.picked is not None
            for where, what, commit in _list_commits(s.picked)
        ),
    ]


def _list_commits(picked: PickedCommits) -> list[tuple[str, str, str]]:
    """List the repository, the role and the id of each commit."""
    commits_url = picked.remote or picked.upstream
    return [
        (picked.upstream, "release", picked.base),
        *(
            (commits_url, "cherry-picked commit", c)
            for c in picked.commits
            if c not in picked.native
        ),
    ]


def _list_source_materials(run: BuildRun) -> list[Mapping[str, Any]]:
    return [] if run.source is None else list(run.source.materials)


def _make_patch_uri(patch: AppliedPatch) -> str:
    """Make the URI of a patch.

    A diff is a file of its series. A codemod is a function in a package that is hashed as a whole.
    """
    return f"{CODEMODS_URI}{patch.file}" if patch.codemod else f"patches/{patch.label}"
