"""Provenance: an in-toto statement (v1) with a SLSA provenance predicate (v1) for each wheel.

Formats: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://slsa.dev/spec/v1.0/provenance. The statement is deterministic: no clock is read; a time is
given only where SOURCE_DATE_EPOCH sets one.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.errors import ProvenanceError
from builder.model import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import Delta, Identity, Release

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:tensorboard-proxy-wheels:overlay:v1"
BUILDER_ID = "urn:tensorboard-proxy-wheels:builder"
# Libraries whose behaviour decides what patches make of a file.
_REWRITING_LIBRARIES = ("packaging", "unidiff")


def statement(
    filename: str,
    sha256: str,
    release: Release,
    delta: Delta,
    identity: Identity,
    *,
    series: Sequence[str],
    commit: str | None,
    epoch: int | None,
) -> bytes:
    """The statement for one wheel, as the bytes of its file.

    Args:
        filename: the final wheel's.
        sha256: the final wheel's, in hex.
        release: what it was made from; its stock wheel is the first material.
        delta: what the patches changed.
        identity: what it is called.
        series: the names of the series that were asked for, in order.
        commit: the git commit of this tool, with `-dirty` where it has changes, or None.
        epoch: SOURCE_DATE_EPOCH in seconds, or None.
    """
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": filename, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": _definition(release, delta, identity, series),
            "runDetails": _run_details(commit, epoch),
        },
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _definition(
    release: Release, delta: Delta, identity: Identity, series: Sequence[str]
) -> dict[str, Any]:
    """What was asked for, what it was made of, and what became of each file."""
    changes = {
        path: {
            "before": {"sha256": change.before},
            "after": {"sha256": hashlib.sha256(change.after).hexdigest()},
        }
        for path, change in sorted(delta.changes.items())
    }
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "release": release.version,
            "series": list(series),
            "identity": identity.kind.value,
            "name": identity.name,
            "version": identity.version,
            "buildTag": identity.build_tag,
        },
        "internalParameters": {
            "backend": "overlay",
            "pinned": release.pinned,
            "sourceCommit": release.commit,
            "native": list(delta.native),
            "changes": changes,
            "metadata": [
                {"action": e.action, "header": e.header, "value": e.value} for e in delta.metadata
            ],
        },
        "resolvedDependencies": _materials(release, delta),
    }


def _run_details(commit: str | None, epoch: int | None) -> dict[str, Any]:
    """Who built it, and when if SOURCE_DATE_EPOCH says so."""
    metadata: dict[str, Any] = {}
    if epoch is not None:
        metadata["finishedOn"] = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "builder": {
            "id": BUILDER_ID,
            "version": {
                "tensorboard-proxy-wheels": __version__,
                "commit": commit,
                **{name: version(name) for name in _REWRITING_LIBRARIES},
            },
        },
        "metadata": metadata,
    }


def _materials(release: Release, delta: Delta) -> list[dict[str, Any]]:
    wheel = release.wheel
    stock = {
        "uri": f"pkg:pypi/{PACKAGE}@{release.version}?file_name={wheel.filename}",
        "name": wheel.filename,
        "digest": {"sha256": wheel.sha256},
    }
    patches = [
        {"uri": f"patches/{p.label}", "name": p.label, "digest": {"sha256": p.sha256}}
        for p in delta.applied
    ]
    return [stock, *patches]


def parse(content: bytes, label: str) -> dict[str, Any]:
    """Read a statement and check that it is one of ours.

    Raises:
        ProvenanceError: it is no such statement.
    """
    try:
        document = json.loads(content)
        kinds = (
            document["_type"],
            document["predicateType"],
            document["predicate"]["buildDefinition"]["buildType"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ProvenanceError(
            f"{label} is no provenance statement", "build the wheel again"
        ) from error
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE, BUILD_TYPE):
        raise ProvenanceError(f"{label} is a statement of another kind", "build the wheel again")
    return dict(document)


def parameters(document: dict[str, Any]) -> dict[str, Any]:
    """The external parameters: what was asked for."""
    return dict(document["predicate"]["buildDefinition"]["externalParameters"])


def differences(claimed: dict[str, Any], rebuilt: dict[str, Any]) -> list[str]:
    """Where two statements on the same wheel differ: subject, parameters, changes, materials.

    Who built it, and when, may differ.
    """
    found = []
    if claimed.get("subject") != rebuilt["subject"]:
        found.append("subject: the statement speaks of another file")
    old, new = (d["predicate"]["buildDefinition"] for d in (claimed, rebuilt))
    found += [
        f"{key}: the statement does not say what a rebuild gives"
        for key in new
        if old.get(key) != new[key]
    ]
    return found
