"""dockerfiles/releases.txt and the script that reads it."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import catalog as catalogs
from builder.bazel.table import Row, packager, parse, render, row
from tests.conftest import CATALOG, ROOT, stock_path
from tests.needs import lacking

TABLE = ROOT / "dockerfiles" / "releases.txt"
SCRIPT = ROOT / "dockerfiles" / "build-wheel.sh"
_WORD = st.from_regex(r"[a-z0-9.=,<-]{1,20}", fullmatch=True)


def _wheel_file(version: str) -> str:
    release = CATALOG.find(version)
    assert release is not None
    with zipfile.ZipFile(stock_path(release.wheel)) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/WHEEL"))
        return wheel.read(name).decode()


def test_the_table_says_what_the_catalog_and_the_wheels_say() -> None:
    """It is made from both; this is what it should be."""
    wanted = render([row(facts, _wheel_file(facts["version"])) for facts in catalogs.load_facts()])
    assert TABLE.read_text() == wanted


def test_what_is_not_known_is_a_dash() -> None:
    """A release that the catalog knows little of still has all its columns."""
    made = row({"version": "9.9.9"}, "")
    assert made == Row("9.9.9", "-", "-", "-", "tar", "-")
    assert parse(render([made])) == {"9.9.9": made}


@given(st.lists(st.builds(Row, *[_WORD] * 6), unique_by=lambda r: r.version))
def test_tables_come_back_as_they_were(rows: list[Row]) -> None:
    """Whatever the widths."""
    assert list(parse(render(rows)).values()) == rows


@pytest.mark.parametrize(
    ("generator", "requirement"),
    [
        ("bdist_wheel (0.34.2)", "wheel==0.34.2,setuptools<70.1"),
        ("setuptools (80.9.0)", "setuptools==80.9.0"),
        ("poetry 1.0", "-"),
    ],
)
def test_the_packager_is_the_one_that_wrote_the_wheel(generator: str, requirement: str) -> None:
    """By its Generator; what we do not know is not guessed."""
    assert packager(f"Wheel-Version: 1.0\nGenerator: {generator}\n") == requirement


def _run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPT), *words],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"UPSTREAM": "ext::sh -c touch% /tmp/pwned"},
        {"UPSTREAM": "--upload-pack=touch"},
        {"TB_VER": "-2.2.1"},
        {"CHERRY_PICK_COMMIT": "--no-verify"},
        {"CHERRY_PICK_FROM": "file::/x"},
    ],
)
def test_the_script_refuses_what_git_would_take_for_something_else(bad: dict[str, str]) -> None:
    """Options and transports that run programs, in any of its settings."""
    given_ = {"TB_VER": "2.2.1", "UPSTREAM": "https://upstream.invalid/x", **bad}
    done = _run("source", **given_)
    assert done.returncode == 1
    assert "git could take for something else" in done.stderr


def test_the_script_needs_a_known_release_to_choose_a_bazel() -> None:
    """There is no Bazel to guess for a release that the table does not have."""
    done = _run("bazel", TB_VER="9.9.9")
    assert done.returncode == 1
    assert "no Bazel is known for TensorBoard 9.9.9" in done.stderr


def test_the_script_is_clean() -> None:
    """By shellcheck, where there is one."""
    program = shutil.which("shellcheck")
    if program is None:
        lacking("there is no shellcheck: apt-get install shellcheck")
    subprocess.run([program, str(SCRIPT)], check=True)
