"""Whatever is printed is text: no terminal and no CI runner takes it for more."""

from __future__ import annotations

import io
import json
import unicodedata
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from builder.system import known_secrets
from builder.system.console import Console
from builder.system.known_secrets import register_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

# Cells of this width are folded, so that lines begin with what was in their middle.
_FOLDED = "x" * 195
_ATTACKS = (
    "::warning file=a.py,line=1::all is well",
    "  \t ::set-output name=matrix::[]",
    "::stop-commands::token",
    "a\n::add-mask::e",
    "a\r::error::e",
    "a\x0b::error::e",
    "a\u2028::error::e",
    "\u3000::error::e",
    "a ##[error]e",
    "###[group]e",
    "##vso[task.setvariable variable=a]b",
    "::::error::::e",
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    "wheel\u202elhw.exe",
    "a\u200bb\ufeffc\u2060d\u034fe\ufe0ff",
    "[bold red]markup[/] [link=https://h.example]x[/link] :warning:",
    "\ud800 lone",
    f"{_FOLDED}::error::e {_FOLDED}##[error]e",
)
_TEXTS = st.one_of(
    st.sampled_from(_ATTACKS),
    st.lists(st.sampled_from([*"\r\n\t :#[]", "::", "##[", "##vso[", "error", "\x1b", "é"])).map(
        "".join
    ),
    st.text(),
)


def _begin_download(console: Console, name: str) -> None:
    console.make_download_progress(name)(None)


def _print_all(text: str) -> dict[str, tuple[str, str]]:
    """Print a text in every way: way → what is on standard output and standard error."""
    ways: dict[str, Callable[[Console], None]] = {
        "result": lambda c: c.print_result(text),
        "lines": lambda c: c.print_lines(text),
        "json": lambda c: c.print_json([text, {text: text}]),
        "note": lambda c: c.print_note(text),
        "error": lambda c: c.print_error(text, text),
        "table": lambda c: c.print_table((text, "b"), [(text, text), ("x", text)]),
        "traceback": lambda c: c.print_traceback(ValueError(text)),
        "bar": lambda c: _begin_download(c, text),
    }
    found = {}
    for way, act in ways.items():
        out, err = io.StringIO(), io.StringIO()
        act(Console(out, err))
        found[way] = (out.getvalue(), err.getvalue())
    return found


@given(_TEXTS)
def test_what_is_printed_is_text(text: str) -> None:
    """In every way of printing: no control characters, no order of its own, no commands."""
    for way, streams in _print_all(text).items():
        for printed in streams:
            for line in printed.split("\n"):
                assert not line.strip().startswith("::"), (way, line)
                assert "##[" not in line, (way, line)
                assert "##vso[" not in line, (way, line)
                kinds = {unicodedata.category(c) for c in line}
                assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}, (way, line)
                assert not set(line) & set("\u034f\ufe0f\u3164"), (way, line)


def test_a_folded_cell_begins_no_command() -> None:
    """Wherever a table's lines are folded."""
    for width in range(150, 210):
        out = io.StringIO()
        Console(out, out).print_table(("a",), [(f"{'y' * width}::error::e",)])
        assert not any(line.lstrip().startswith("::") for line in out.getvalue().split("\n"))


@given(_TEXTS)
def test_one_line_stays_one_line(text: str) -> None:
    """So that nobody writes a line of ours."""
    printed = _print_all(text)
    for way in ("result", "note"):
        assert "".join(printed[way]).count("\n") == 1, way
    for line in printed["error"][1].rstrip("\n").split("\n")[2:]:
        assert not line.strip() or line.startswith("       "), line


@given(_TEXTS)
def test_json_stays_json(text: str) -> None:
    """Machines read what was given."""
    text = text.replace("\ud800", "")
    assert json.loads(_print_all(text)["json"][0]) == [text, {text: text}]


def test_what_is_disarmed_can_be_read() -> None:
    """It is not taken away."""
    printed = _print_all("  ::warning::x ##[error] \x1b[1m")
    assert printed["result"][0] == "  : :warning::x # #[error] \\x1b[1m\n"
    assert printed["note"][1] == "note:   ::warning::x # #[error] \\x1b[1m\n"
    assert _print_all("a\nb")["error"][1] == "error: a\\nb\n  try: a\n       b\n"


def test_a_stream_without_these_letters_shows_escapes() -> None:
    """It is no failure."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Console(stream).print_result("Zürich ✅")
    assert raw.getvalue() == b"Z\\xfcrich \\u2705\n"


def test_standard_error_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """In notes, errors and tracebacks; a line of a traceback is left out as a whole."""
    monkeypatch.setattr(known_secrets, "_registered", set())
    register_secret("Quokka/Zebra77")
    printed = _print_all("sent Quokka/Zebra77 and Quokka%2FZebra77")
    for way in ("note", "error", "traceback"):
        assert "Zebra77" not in printed[way][1], way
    assert printed["note"][1] == "note: sent *** and ***\n"
    encoded = _print_all("sent UXVva2thL1plYnJhNzc=")
    assert "could hold a password" in encoded["traceback"][1]
    assert "UXVva2" not in encoded["traceback"][1]
