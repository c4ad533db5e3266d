"""Static checks of a wheel's bytes.

Checks return findings as values: all findings are collected, and none raises an exception.
`builder.checks.table` has every code with its sentence.
"""

from __future__ import annotations

from msgspec.structs import replace

from builder.checks.content import check_content
from builder.checks.difference import check_difference
from builder.checks.headers import check_metadata, check_wheel_metadata
from builder.checks.naming import check_names
from builder.checks.records import check_record
from builder.checks.wheel_under_check import WheelUnderCheck
from builder.checks.zip_structure import check_zip_structure
from builder.model import Finding, FindingStatus

_CHECKS = (
    check_zip_structure,
    check_names,
    check_record,
    check_metadata,
    check_wheel_metadata,
    check_content,
    check_difference,
)

# The stock wheel has N206 too, as it has the official name: a patched wheel must not inherit it.
_NEVER_INHERITED = ("N206",)


def run_checks(wheel: WheelUnderCheck, stock_filename: str | None = None) -> list[Finding]:
    """Run every static check.

    Args:
        wheel: the wheel, and what it is compared with.
        stock_filename: the stock wheel's file name, to tell inherited findings from new ones; None
            to mark none as inherited.

    Returns:
        All findings. One that the stock wheel has too is `INHERITED`, one that could not be
        decided is `UNCHECKED`.
    """
    by_check = {check: list(check(wheel)) for check in _CHECKS}
    if wheel.stock is not None and stock_filename is not None:
        stock = WheelUnderCheck(stock_filename, wheel.stock)
        for check, found in by_check.items():
            # The stock wheel is checked only where there are new findings that it may have too.
            if check is not check_difference and any(f.status is FindingStatus.NEW for f in found):
                by_check[check] = _mark_inherited(
                    found, {_make_finding_key(f) for f in check(stock)}
                )
    return [finding for found in by_check.values() for finding in found]


def _mark_inherited(found: list[Finding], known: set[tuple[str, str, str]]) -> list[Finding]:
    return [
        replace(f, status=FindingStatus.INHERITED)
        if f.status is FindingStatus.NEW
        and f.code not in _NEVER_INHERITED
        and _make_finding_key(f) in known
        else f
        for f in found
    ]


def _make_finding_key(finding: Finding) -> tuple[str, str, str]:
    """Make a key that is equal for the same finding in both wheels.

    The dist-info directories of the wheels may have different names, so the key leaves them out.
    """
    head, mark, tail = finding.subject.partition(".dist-info/")
    return finding.code, tail if mark else head, finding.detail
