"""What Bazel is told and what it says: the rc file, network settings, its log, its wheels."""

from __future__ import annotations

import configparser
import shlex
import ssl
from pathlib import Path

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.bazel import bazelrc, binary, build_output, settings
from builder.bazel.release_table import ReleaseRow
from builder.bazel.toolchain import BazelBinary
from builder.errors import RequestError, SourceError
from builder.system.settings import UserSettings

ROW = ReleaseRow("2.2.1", "c" * 40, "0.26.1", "a" * 64, "tar", "-")
WHEEL = "tensorboard-2.2.1-py3-none-any.whl"
ALWAYS = {"PIP_CONFIG_FILE": "/settings/pip.conf"}
_FLAGS = st.from_regex(r"--[a-z_]{1,20}(=[ -~]{0,30})?", fullmatch=True)


@given(st.lists(_FLAGS, max_size=5))
def test_any_flag_reaches_bazel_as_it_is(flags: list[str]) -> None:
    """Bazel splits a line as a Bourne shell does: a command, one flag."""
    services = bazelrc.BazelServices(flags=tuple(flags))
    bazelrc.check_services(services)
    lines = bazelrc.render_bazelrc(services, "4.2.2", trusts=False).decode().splitlines()
    assert [shlex.split(line) for line in lines][-len(flags) :] == [
        ["build", f] for f in flags
    ] or (not flags)


@pytest.mark.parametrize(
    "services",
    [
        bazelrc.BazelServices(remote_cache="cache.example:9092"),
        bazelrc.BazelServices(remote_cache="http://cache.example/ --x"),
        bazelrc.BazelServices(remote_executor="file:///x"),
        bazelrc.BazelServices(flags=("keep_going",)),
        bazelrc.BazelServices(flags=("--x=1\nstartup --host_jvm_args=-D",)),
    ],
)
def test_what_is_no_address_and_no_flag_is_refused(services: bazelrc.BazelServices) -> None:
    """Before anything is built; a line end would begin another line of the file."""
    with pytest.raises(RequestError):
        bazelrc.check_services(services)


@pytest.mark.parametrize(
    ("address", "bazel", "flag"),
    [
        ("http://c:1", "0.21.0", "--remote_http_cache=http://c:1"),
        ("grpc://c:1", "0.21.0", "--remote_cache=grpc://c:1"),
        ("http://c:1", "2.1.0", "--remote_cache=http://c:1"),
        ("http://c:1", None, "--remote_cache=http://c:1"),
    ],
)
def test_old_bazels_have_another_flag_for_caches(address: str, bazel: str, flag: str) -> None:
    """Those before 0.27, for caches that speak HTTP."""
    lines = (
        bazelrc.render_bazelrc(bazelrc.BazelServices(remote_cache=address), bazel, trusts=False)
        .decode()
        .splitlines()
    )
    assert f"build {flag}" in lines


def test_values_of_flags_are_not_told() -> None:
    """They may be secret, and provenance is public."""
    assert bazelrc.strip_flag_values(["--remote_header=x=secret", "--keep_going"]) == [
        "--remote_header",
        "--keep_going",
    ]


def _pip(env: dict[str, str], environment: UserSettings) -> dict[str, str]:
    network_settings = settings.gather_network_settings(env, environment, None)
    parser = configparser.RawConfigParser()
    parser.read_string(network_settings.files["pip.conf"].decode())
    return dict(parser["global"])


def _settings(**given: str) -> UserSettings:
    values = {"index_url": None, "ca_bundle": None, "http_proxy": None, **given}
    return UserSettings(cache=Path(), source_date_epoch=None, timeout=None, **values)


def test_proxies_go_in_by_both_spellings_and_spare_what_no_proxy_names() -> None:
    """Pip's file has the proxy only where the index is behind it."""
    env = {"https_proxy": "http://p:1", "NO_PROXY": "index.corp,.internal"}
    network_settings = settings.gather_network_settings(env, _settings(), None)
    assert network_settings.env == {
        **ALWAYS,
        "https_proxy": "http://p:1",
        "HTTPS_PROXY": "http://p:1",
        "no_proxy": "index.corp,.internal",
        "NO_PROXY": "index.corp,.internal",
    }
    near = _settings(index_url="https://index.corp/simple")
    assert _pip(env, near) == {"index-url": "https://index.corp/simple"}
    far = _settings(index_url="https://index.example/simple")
    assert _pip(env, far)["proxy"] == "http://p:1"
    # pip's own proxy stands where no variable does.
    alone = settings.gather_network_settings({}, _settings(http_proxy="http://q:1"), None).env
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY")
    assert alone == {**dict.fromkeys(names, "http://q:1"), **ALWAYS}


def test_users_of_netrc_keep_their_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host reads netrc; the container gets what it says for the index, and no netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine index.example login me password s:e/c@t\n")
    monkeypatch.setenv("NETRC", str(netrc))
    found = _pip({}, _settings(index_url="https://index.example/simple"))
    assert found == {"index-url": "https://me:s%3Ae%2Fc%40t@index.example/simple"}


def test_a_stock_bundle_stays_out_and_a_foreign_one_goes_in(tmp_path: Path) -> None:
    """Only certificates that no stock bundle has make a difference."""
    stock = Path(certifi.where()).read_bytes()
    assert not settings.has_foreign_certificates(stock)
    assert not settings.has_foreign_certificates(stock.replace(b"\n", b"\r\n"))
    assert settings.has_foreign_certificates(
        stock + ssl.DER_cert_to_PEM_cert(b"one of a company").encode()
    )
    (tmp_path / "a.pem").write_bytes(stock)
    assert settings.read_ca_bundle(tmp_path, {}, _settings()) == stock
    (tmp_path / "empty").write_text("")
    with pytest.raises(RequestError, match="no certificate"):
        settings.read_ca_bundle(tmp_path / "empty", {}, _settings())
    with pytest.raises(RequestError, match="cannot be read"):
        settings.read_ca_bundle(tmp_path / "absent", {}, _settings())


def test_a_bundle_that_is_broken_is_refused() -> None:
    """Java could not read it either."""
    with pytest.raises(RequestError):
        settings.make_trust_store(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "no wheel"),
        (("notes.txt", "tensorboard-2.2.1-py2-none-any.whl"), "no wheel"),
        ((WHEEL, "tensorboard-2.2.2-py3-none-any.whl"), "2 wheels"),
        (("tensorboard-2.2.0-py3-none-any.whl",), f"{WHEEL} is wanted"),
    ],
)
def test_two_wheels_none_and_another_version_are_refused(files: tuple[str, ...], said: str) -> None:
    """What is not just the one wheel that is wanted is named."""
    with pytest.raises(SourceError, match=said):
        build_output.find_wheel(dict.fromkeys(files, b""), WHEEL)


def test_the_wheel_for_python_3_is_taken() -> None:
    """Old releases have one for Python 2 beside it."""
    files = {WHEEL: b"3", "tensorboard-2.2.1-py2-none-any.whl": b"2"}
    assert build_output.find_wheel(files, WHEEL) == b"3"


def test_bazels_own_count_is_understood() -> None:
    """As the versions spell it; the last line counts."""
    log = (
        "INFO: 3 processes: 3 internal.\nnoise\n"
        "INFO: 7 processes: 2 remote cache hit, 1 disk cache hit, 3 internal, 1 linux-sandbox.\n"
    )
    found = build_output.count_actions(log)
    assert found is not None
    assert (found.total, found.cache_hits, found.executed) == (7, 3, 1)
    assert build_output.count_actions("INFO: 1 process: 1 internal.") == (1, {"internal": 1})
    assert build_output.count_actions("no such line") is None


@given(st.lists(st.text(max_size=40)))
def test_any_log_tells_something(lines: list[str]) -> None:
    """There is always a first word, and it is one of the lines if there are any."""
    first, kept = build_output.find_error_lines(lines)
    assert first in lines or not any(line.strip() for line in lines)
    assert set(kept) <= set(lines)


def test_a_bazel_is_chosen_by_what_is_known(tmp_path: Path) -> None:
    """The base image's own, a file, the pinned one; never one that nothing vouches for."""

    def fetch(url: str, sha256: str) -> bytes:
        return f"{url} {sha256}".encode()

    def choose(wanted: str | None, row: ReleaseRow | None = ROW, **other: str) -> BazelBinary:
        architecture = other.get("architecture", "x86_64")
        own = other.get("base") == "own"
        return binary.choose_bazel(
            wanted, row, own_base=own, architecture=architecture, fetch=fetch
        )

    given_ = tmp_path / "bazel"
    given_.write_bytes(b"binary")
    assert choose("base") == choose(None, base="own") == BazelBinary("0.26.1")
    assert choose(str(given_)).content == b"binary"
    pinned = choose(None)
    assert pinned.sha256 == ROW.sha256
    assert b"/0.26.1/bazel-0.26.1-linux-x86_64 " in (pinned.content or b"")
    assert choose("https://mirror.corp/bazel").content == b"https://mirror.corp/bazel " + b"a" * 64
    with pytest.raises(RequestError, match="cannot be read"):
        choose(str(tmp_path / "absent"))
    with pytest.raises(RequestError, match="no Bazel is known"):
        choose(None, None)
    with pytest.raises(RequestError, match="the engine is aarch64"):
        choose(None, architecture="aarch64")
