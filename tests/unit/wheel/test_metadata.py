"""builder.wheel.metadata and builder.patching.identity."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.metadata import parse_email

from builder.errors import RequestError, WheelError
from builder.model import IdentityKind
from builder.patching import identity
from builder.wheel import archive, metadata
from tests.support.releases import RELEASES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.model import Identity

header_names = st.from_regex(r"[A-Za-z][A-Za-z-]{0,15}", fullmatch=True)
lines = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Cs"]), max_size=40
)


def make(kind: str, version: str = "2.2.1", **more: str) -> Identity:
    """An identity with the usual defaults."""
    settings = {"name": "tensorboardtmp", "local_label": "proxy.1", "build_tag": None, **more}
    naming = identity.WheelNaming(IdentityKind(kind), **settings)  # type: ignore[arg-type]
    return naming.make_identity(version)


@given(st.binary(max_size=300))
def test_parse_keeps_every_byte(content: bytes) -> None:
    """Taking apart and joining gives the same bytes, whatever they are."""
    assert metadata.parse_metadata(content).to_bytes() == content


@given(st.lists(st.tuples(header_names, lines), max_size=6), lines, lines)
def test_edits_touch_nothing_else(
    headers: list[tuple[str, str]], description: str, value: str
) -> None:
    """Replacing a header and appending a paragraph leaves the other headers and the text alone."""
    content = "".join(f"{n}: {v}\n" for n, v in headers) + f"\n{description}\nName: not a header\n"
    before = metadata.parse_metadata(content.encode())
    after = metadata.append_description(
        metadata.replace_header(before, "X-Mine", value), "A paragraph."
    )
    others = [h for h in before.headers if h.name.lower() != "x-mine"]
    assert [h for h in after.headers if h.name != "X-Mine"] == others
    assert after.get_values("X-Mine") == [value.strip()]
    assert after.description.startswith(before.description)
    assert after.description.endswith("A paragraph.\n")
    assert metadata.parse_metadata(after.to_bytes()) == after


@given(st.text(max_size=20).filter(lambda t: re.search(r"[\x00-\x1f\x7f\x85\u2028\u2029]", t)))
def test_header_injection_is_refused(value: str) -> None:
    """A value with a line end or another control character never becomes a header."""
    document = metadata.parse_metadata(b"Name: x\n\ntext\n")
    with pytest.raises(ValueError, match="control characters"):
        metadata.replace_header(document, "Summary", value)


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("kind", ["test", "local"])
def test_stock_metadata_changes_in_the_stated_headers_only(
    version: str, kind: str, stock_wheel: Callable[[str], Path]
) -> None:
    """Packaging's parser sees the identity's headers and a longer description, nothing else new."""
    stock = archive.parse_archive(stock_wheel(version).read_bytes(), version)
    content = next(m for m in stock.members if m.name.endswith("/METADATA")).read()
    wanted = make(kind, version)
    made = identity.edit_metadata(
        metadata.parse_metadata(content), wanted, "The notice."
    ).to_bytes()
    before, _ = parse_email(content)
    after, unparsed = parse_email(made)
    assert not unparsed
    changed = {key for key in {**before, **after} if before.get(key) != after.get(key)}
    local = {"version", "description"}
    test = {"name", "summary", "author", "author_email", "description"}
    assert changed == (local if kind == "local" else test)
    assert after["description"].startswith(before["description"].rstrip("\n"))
    assert after["description"].endswith("\n\nThe notice.\n")
    assert (after["name"], after["version"]) == (wanted.name, wanted.version)


def test_unicode_and_a_name_inside_the_description_survive() -> None:
    """Only the header block is edited; text that looks like a header is text."""
    content = "Name: tensorboard\nVersion: 1\nAuthor: Zoë\n\nName: tensorboard\n\nJürgen ☃\n"
    document = metadata.parse_metadata(content.encode())
    made = identity.edit_metadata(document, make("local", "1"), "Über.").to_bytes().decode()
    assert made.startswith("Name: tensorboard\nVersion: 1+proxy.1\nAuthor: Zoë\n\n")
    assert made.endswith("\n\nName: tensorboard\n\nJürgen ☃\n\nÜber.\n")


def test_folded_headers_are_replaced_whole() -> None:
    """The continuation lines of a replaced header go with it."""
    content = b"Name: tensorboard\nVersion: 1\nSummary: one\n two\n three\nLicense: x\n\nd\n"
    made = identity.edit_metadata(
        metadata.parse_metadata(content), make("test", "1"), "n"
    ).to_bytes()
    assert b"two" not in made
    assert b"Summary: For testing only\nLicense: x\n" in made


def test_metadata_with_two_names_is_refused() -> None:
    """What cannot be edited safely is an error."""
    with pytest.raises(WheelError):
        identity.edit_metadata(
            metadata.parse_metadata(b"Name: a\nName: b\nVersion: 1\n\n"), make("test"), "n"
        )


def test_build_tag_is_written_into_wheel() -> None:
    """PEP 427: a build tag in the file name stands in WHEEL too."""
    made = identity.edit_wheel_metadata(
        b"Wheel-Version: 1.0\nTag: py3-none-any\n\n", make("test", build_tag="7")
    )
    assert made == b"Wheel-Version: 1.0\nTag: py3-none-any\nBuild: 7\n\n"
    assert identity.make_wheel_name(make("test", build_tag="7")).filename == (
        "tensorboardtmp-2.2.1-7-py3-none-any.whl"
    )


@pytest.mark.parametrize("name", ["tensorboard", "TensorBoard", "Tensorboard", "TENSORBOARD"])
def test_the_official_name_is_refused(name: str) -> None:
    """A wheel named tensorboard has a local version, or is not made."""
    with pytest.raises(RequestError, match="official"):
        make("test", name=name)


@pytest.mark.parametrize(
    ("given", "bad"),
    [
        ("name", "a b"),
        ("name", ""),
        ("name", "-x"),
        ("name", "ü"),
        ("build_tag", "x1"),
        ("build_tag", "1-2"),
        ("build_tag", ""),
    ],
)
def test_malformed_parts_are_refused(given: str, bad: str) -> None:
    """Each part of an identity is judged before anything is made."""
    with pytest.raises(RequestError):
        make("test", **{given: bad})


@pytest.mark.parametrize("label", ["", "a b", "proxy-", "+1", "ü"])
def test_malformed_local_labels_are_refused(label: str) -> None:
    """A local version label is PEP 440's."""
    with pytest.raises(RequestError):
        make("local", local_label=label)


def test_names_are_normalised_in_file_names_only() -> None:
    """`My.Tensor-Board` stays in METADATA and becomes my_tensor_board in file names."""
    mine = make("test", name="My.Tensor-Board")
    assert mine.name == "My.Tensor-Board"
    name = identity.make_wheel_name(mine)
    assert name.filename == "my_tensor_board-2.2.1-py3-none-any.whl"
    assert name.dist_info == "my_tensor_board-2.2.1.dist-info"
