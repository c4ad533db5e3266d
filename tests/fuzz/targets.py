"""The targets: what parses, its real inputs, and what must hold whatever it is given."""

from __future__ import annotations

import io
import json
import lzma
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from pypi_simple import ProjectPage
from requests import Response

from builder.errors import (
    IndexLookupError,
    PatchError,
    ProvenanceError,
    RequestError,
    SourceError,
    WheelError,
)
from builder.git.conflicts import find_hunks
from builder.git.merge import parse_merge_output
from builder.git.repository import parse_raw_diff
from builder.patching.diff import DiffError, apply_hunks, parse_diff
from builder.patching.series import load_series
from builder.provenance.claims import parse_statement
from builder.releases.catalog import load_entries, make_catalog
from builder.releases.eras import get_era
from builder.releases.project_page import ProjectPageError, explain_page_errors, to_listed_wheel
from builder.today.reference import load_reference
from builder.wheel import metadata, names, record
from builder.wheel.archive import parse_archive
from builder.wheel.serialize import CopiedMember, serialize_archive
from tests.fuzz.mutations import mutated_bytes, mutated_json
from tests.support.releases import ROOT
from tests.support.wheels import make_wheel, small_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy


class Target(NamedTuple):
    """One parser: its inputs, and a function that raises where what must hold does not."""

    inputs: SearchStrategy[Any]
    check: Callable[[Any], None]


def check_archive(content: bytes) -> None:
    """Members can be read or are an error, and copies of all of them make the same members."""
    with suppress(WheelError):
        parsed = parse_archive(content, "x")
        for member in parsed.members:
            with suppress(WheelError):
                assert len(member.read()) == member.size
        copied = b"".join(serialize_archive(CopiedMember(m, m.name) for m in parsed.members))
        again = parse_archive(copied, "x").members
        assert [m.name for m in again] == [m.name for m in parsed.members]


def check_record(content: bytes) -> None:
    """What is written for unchanged lines is read back as the same lines."""
    with suppress(ValueError):
        entries = record.parse_record(content)
        written = record.rewrite_record(content, "RECORD", str, {})
        kept = [entry for entry in entries if entry.path != "RECORD"]
        assert record.parse_record(written) == [*kept, ("RECORD", "", "")]


def check_metadata(content: bytes) -> None:
    """The pieces are the same bytes, and a header that is set is the one that is read."""
    document = metadata.parse_metadata(content)
    assert document.to_bytes() == content
    changed = metadata.replace_header(document, "Name", "x")
    assert changed.get_values("name") == ["x"]
    metadata.append_description(document, "more")


def check_names(text: str) -> None:
    """A name that can be read is written as it was; nothing else than its errors comes out."""
    with suppress(WheelError):
        parsed = names.parse_wheel_filename(text)
        assert parsed.filename == text
        names.is_normalized(parsed)
    for check in (names.escape_name, names.check_build_tag, names.check_local_label):
        with suppress(RequestError):
            check(text)
    names.make_version_key(text)


def check_statement(content: bytes) -> None:
    """A statement of ours, or an error."""
    with suppress(ProvenanceError):
        parse_statement(content, "x")


def check_series(files: tuple[bytes, bytes]) -> None:
    """A series, or an error that names the file."""
    toml, patch = files
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        directory = Path(name, "proxy")
        directory.mkdir()
        (directory / "series.toml").write_bytes(toml)
        for path in (ROOT / "patches" / "proxy").glob("*.patch"):
            (directory / path.name).write_bytes(patch)
        with suppress(PatchError):
            load_series(directory)


def check_diff(content: bytes) -> None:
    """Hunks that replace what they name, or an error."""
    with suppress(DiffError):
        for hunks in parse_diff(content.decode(errors="replace")).values():
            for hunk in hunks:
                with suppress(DiffError):
                    assert apply_hunks(hunk.old, [hunk]) == hunk.new
            with suppress(DiffError):
                apply_hunks(content, hunks)


def check_page(page: tuple[str, bytes]) -> None:
    """Wheels whose names lead nowhere, or an error in one line."""
    kind, content = page
    response = Response()
    response.status_code = 200
    response.headers["Content-Type"] = kind
    response.raw = io.BytesIO(content)
    response.url = "http://localhost/simple/tensorboard/"
    try:
        with explain_page_errors():
            packages = ProjectPage.from_response(response, "tensorboard").packages
    except ProjectPageError as error:
        if len(str(error).splitlines()) != 1:
            raise
    except ValueError:
        pass
    else:
        listed = filter(None, map(to_listed_wheel, packages))
        assert not any("/" in wheel.filename for wheel in listed)


def check_git(content: bytes) -> None:
    """Git's lists and conflict markers: values, or an error."""
    list(find_hunks(content))
    for parse in (parse_merge_output, parse_raw_diff):
        with suppress(SourceError):
            parse(content)


def check_catalog(content: bytes) -> None:
    """Releases that have an era, or an error."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        path = Path(name, "catalog.json")
        path.write_bytes(content)
        with suppress(IndexLookupError):
            for release in make_catalog(load_entries(path)).releases:
                with suppress(IndexLookupError):
                    get_era(release)


def check_reference(content: bytes) -> None:
    """An era reference, or an error."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        Path(name, "2.2.1.json.xz").write_bytes(content)
        with suppress(RequestError):
            load_reference("2.2.1", Path(name))


@cache
def make_targets() -> dict[str, Target]:
    """Make all targets, from the real wheel, the project's own files and what git writes."""
    wheel = make_wheel().file
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as opened:
        listing = opened.read(f"{wheel.dist_info}RECORD")
        headers = [opened.read(f"{wheel.dist_info}{name}") for name in ("METADATA", "WHEEL")]
    statement = json.loads(next((ROOT / "tests" / "statements").glob("*.json")).read_bytes())
    catalog = json.loads((ROOT / "builder" / "data" / "catalog.json").read_bytes())[-3:]
    patches = [path.read_bytes() for path in sorted((ROOT / "patches").glob("*/*.patch"))]
    toml = (ROOT / "patches" / "proxy" / "series.toml").read_bytes()
    era = (ROOT / "tests" / "eras" / "2.2.1.json.xz").read_bytes()
    small_era = json.loads(lzma.decompress(era))
    small_era["modes"] = {}
    file = "tensorboard-2.99.0-py3-none-any.whl"
    listed = {"filename": file, "url": f"/{file}", "hashes": {"sha256": "a" * 64}, "size": 10}
    listed |= {"upload-time": "2026-01-01T00:00:00Z", "requires-python": ">=3.7", "yanked": False}
    page = {"meta": {"api-version": "1.1"}, "name": "tensorboard", "files": [listed]}
    html = f'<meta name="pypi:repository-version" content="1.0"><a href="/{file}">{file}</a>'
    blob = b"0123456789" * 4
    git = [
        b"<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n",
        blob + b"\0" + b"100644 " + blob + b" 1\ta\0" + b"100644 " + blob + b" 2\ta\0\0",
        b":100644 100644 " + blob + b" " + blob + b" M\0a\0",
    ]
    alphabet = st.text(st.sampled_from("tensorboard-_.+!0129 \0/\n\xe9"), max_size=40)
    json_pages = st.tuples(st.just("application/vnd.pypi.simple.v1+json"), mutated_json(page))
    html_pages = st.tuples(st.just("text/html"), mutated_bytes([html.encode()]))
    return {
        "archive": Target(
            mutated_bytes([small_wheel().file.content, wheel.content]), check_archive
        ),
        "RECORD": Target(mutated_bytes([listing, b"a,b,1\r\n"]), check_record),
        "METADATA": Target(mutated_bytes([*headers, b"Name: a\n b\n\nc"]), check_metadata),
        "names": Target(alphabet | st.text(max_size=30) | st.just(wheel.filename), check_names),
        "statement": Target(mutated_json(statement), check_statement),
        "series": Target(
            st.tuples(mutated_bytes([toml]), mutated_bytes(patches[:1])), check_series
        ),
        "diff": Target(mutated_bytes(patches), check_diff),
        "page": Target(json_pages | html_pages, check_page),
        "git": Target(mutated_bytes(git), check_git),
        "catalog": Target(mutated_json(catalog), check_catalog),
        "reference": Target(
            mutated_json(small_era).map(lzma.compress) | mutated_bytes([era]), check_reference
        ),
    }
