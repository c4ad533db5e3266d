"""Digests as one job of a CI run hands them to the next."""

from __future__ import annotations

import hashlib

import pytest

from builder.errors import BuilderError, RequestError, WheelError
from builder.publish.digests import format_digests, parse_digests

NAME = "tensorboardtmp-2.2.1-py3-none-any.whl"
OTHER = "tensorboard-2.2.1+proxy.2-py3-none-any.whl"
ONE, TWO = (hashlib.sha256(content).hexdigest() for content in (b"1", b"2"))


def test_what_is_written_is_read() -> None:
    """Sorted by name; a run's output may end with an empty line."""
    text = format_digests({NAME: ONE, OTHER: TWO})
    assert text == f"{TWO}  {OTHER}\n{ONE}  {NAME}"
    assert parse_digests(f"{text}\n\n") == {NAME: ONE, OTHER: TWO}
    assert parse_digests(f"{ONE} *{NAME}\r\n") == {NAME: ONE}


_ATTACKS = {
    "nothing": "",
    "blank": " \n\n",
    "no name": ONE,
    "short": f"{ONE[1:]}  {NAME}",
    "upper case": f"{ONE.upper()}  {NAME}",
    "md5": f"{ONE[:32]}  {NAME}",
    "one space": f"{ONE} {NAME}",
    "reversed": f"{NAME}  {ONE}",
    "a path": f"{ONE}  dist/{NAME}",
    "up": f"{ONE}  ../{NAME}",
    "absolute": f"{ONE}  /{NAME}",
    "escape sequence": f"{ONE}  \x1b[2J{NAME}",
    "command": f"::warning::{ONE}  {NAME}",
    "no wheel": f"{ONE}  tensorboardtmp-2.2.1.tar.gz",
    "an option": f"{ONE}  --repository",
    "a glob": f"{ONE}  *.whl",
    "twice": f"{ONE}  {NAME}\n{ONE}  {NAME}",
    "two digests": f"{ONE}  {NAME}\n{TWO}  {NAME}",
    "other letters": f"{ONE}  tensorb\u043eardtmp-2.2.1-py3-none-any.whl",
    "other digits": f"{chr(0x661) * 64}  {NAME}",
    "good and bad": f"{ONE}  {NAME}\nno digest",
    "null": f"{ONE}  {NAME}\0",
}


@pytest.mark.parametrize("text", _ATTACKS.values(), ids=_ATTACKS)
def test_what_is_no_list_of_digests_is_refused(text: str) -> None:
    """In one line that a terminal and a log can show."""
    with pytest.raises((RequestError, WheelError)) as caught:
        parse_digests(text)
    error: BuilderError = caught.value
    assert error.message.isprintable()
    assert not error.message.startswith("::")
    assert error.hint
