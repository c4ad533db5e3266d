"""The digests over the codemods' sources that statements may name."""

from __future__ import annotations

import json

import pytest

from builder.errors import ProvenanceError
from builder.patching.codemods import hash_codemod_source
from builder.provenance import claims
from tests.support.releases import ROOT

pytestmark = pytest.mark.usefixtures("warm")


def test_the_digest_of_the_codemods_is_pinned() -> None:
    """Whoever changes their source decides whether earlier statements hold: patches/README.md."""
    today, *earlier = claims.EQUAL_CODEMODS
    assert hash_codemod_source() == today
    assert today not in earlier


@pytest.mark.parametrize(
    ("picks", "source"),
    [
        ({"pullRequests": [0]}, {}),
        ({"pullRequests": "7"}, {}),
        ({"pullRequests": [True]}, {}),
        ({"pull_requests": [7]}, {}),
        ({}, {"origins": {"b" * 40: "upstream"}}),
        ({}, {"origins": {"a" * 40: "upstream", "b" * 40: "upstream"}}),
        ({}, {"origins": {"a" * 40: 7}}),
        ({}, {"origins": {"a" * 40: "\x1b[2J"}}),
        ({}, {"origins": ["a" * 40]}),
    ],
)
def test_whose_commits_are_is_said_of_each_or_of_none(
    picks: dict[str, object], source: dict[str, object]
) -> None:
    """Older statements say nothing; whatever else is no statement of ours."""
    (path,) = (ROOT / "tests" / "statements").iterdir()
    statement = json.loads(path.read_text())
    definition = statement["predicate"]["buildDefinition"]
    requested = {"commits": ["a" * 40], "upstream": "file:///x", "from": None}
    definition["externalParameters"]["cherryPick"] = requested
    claim = claims.parse_statement(json.dumps(statement).encode(), "old")
    assert claim.picks == claims.ClaimedPicks(("a" * 40,), "file:///x", None)
    assert claim.describe().endswith(f" and the commits {'a' * 40}")
    definition["externalParameters"]["cherryPick"] = requested | picks
    definition["internalParameters"]["source"] = source
    with pytest.raises(ProvenanceError, match="no provenance statement of ours"):
        claims.parse_statement(json.dumps(statement).encode(), "new")


def test_what_a_rebuild_gives_makes_the_claims() -> None:
    """A build keeps a statement that says the same, not one that says it was built otherwise."""
    kept = next((ROOT / "tests" / "statements").glob("*.json")).read_bytes()
    assert claims.has_same_claims(kept, kept)
    assert claims.has_same_claims(kept, kept.replace(b'"packaging": "26.4"', b'"packaging": "1"'))
    for old, new in (
        (b":overlay:v1", b":bazel:v1"),
        (b'"backend": "overlay"', b'"backend": "bazel"'),
        (b'"native": []', b'"native": ["proxy"]'),
        (b'"sourceCommit": "9', b'"sourceCommit": "8'),
        (b'"_type":', b'"_type": "x", "_type":'),
    ):
        assert old in kept
        forged = kept.replace(old, new, 1)
        assert not claims.has_same_claims(forged, kept), new
