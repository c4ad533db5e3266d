"""builder.verify.writing: a finding where an overlay is claimed, a note where none is."""

from __future__ import annotations

from builder.checks.wheel_under_check import WheelUnderCheck
from builder.model import Finding, FindingStatus, Identity, IdentityKind
from builder.provenance.claims import Claim
from builder.verify.writing import WritingVerdict, judge_writing
from builder.wheel import archive
from tests.support import respellings
from tests.support.releases import CATALOG
from tests.support.wheels import make_wheel

IDENTITY = Identity(IdentityKind.LOCAL, "another", "9")  # the wheel's own counts, not a claimed one
CLAIM = Claim("other.whl", "0" * 64, "2.2.1", (), IDENTITY)
NEW = Finding("D704", "tensorboard/notebook.py", "it has other content")
OTHER = Finding("D703", "tensorboard/other.py", "it has other content")


def judge(
    claim: Claim | None, found: tuple[Finding, ...] = (), *, good: bool = False
) -> WritingVerdict:
    """The verdict on a wheel with bytes hidden in a deflate stream, or on a good one."""
    made = make_wheel()
    file = made.file if good else respellings.bytes_in_padding_of_blocks(made.file)
    parsed = archive.parse_archive(file.content, file.filename)
    stock = archive.parse_archive(made.stock.content, made.stock.filename)
    wheel = WheelUnderCheck(file.filename, parsed, stock, made.delta)
    return judge_writing(wheel, CATALOG.find_release("2.2.1"), claim, found)


def test_where_an_overlay_is_claimed_it_is_a_finding() -> None:
    """Whatever else the statement says, and whatever else was found of other members."""
    for found in ((), (OTHER,)):
        verdict = judge(CLAIM, found)
        assert [(f.code, f.status) for f in verdict.findings] == [("D709", FindingStatus.NEW)]
        assert verdict.notes == ()
    assert judge(CLAIM, (NEW,)).findings == []  # the same member, which fails with the reason


def test_where_none_is_claimed_it_is_a_note() -> None:
    """No statement, or one of a build from source: a statement makes checks only stricter."""
    for claim in (None, CLAIM._replace(backend="bazel")):
        verdict = judge(claim)
        assert verdict.findings == ()
        (note,) = verdict.notes
        assert "the archive is not written as this tool writes an overlay" in note
        assert "tensorboard/notebook.py" in note
        assert judge(claim, (NEW,)) == WritingVerdict()  # it fails without a note


def test_a_good_wheel_has_neither() -> None:
    """With a claim and without."""
    for claim in (CLAIM, None):
        verdict = judge(claim, good=True)
        assert (list(verdict.findings), list(verdict.notes)) == ([], [])


def test_a_claimed_overlay_that_cannot_be_decided_is_unchecked() -> None:
    """And without a claim nothing is said, as nothing was to be checked."""
    made = make_wheel()
    parsed = archive.parse_archive(made.file.content, made.file.filename)
    wheel = WheelUnderCheck(made.file.filename, parsed)
    (found,) = judge_writing(wheel, None, CLAIM, ()).findings
    assert (found.code, found.status) == ("D709", FindingStatus.UNCHECKED)
    assert judge_writing(wheel, None, None, ()) == WritingVerdict()
