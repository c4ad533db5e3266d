"""Closed networks and remote caches: what reaches a build at run time, and what no image has."""

from __future__ import annotations

import hashlib
import json
import tarfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from builder.bazel import bazelrc, build_output, settings
from builder.bazel.container_build import BuildMonitor, run_bazel_build
from builder.bazel.release_table import parse_release_table
from builder.containers.containers import ContainerOptions, create_container
from builder.containers.docker_engine import connect_engine
from builder.system.settings import UserSettings
from tests.support.bazel import make_job, make_toolchain, small_source
from tests.support.certificates import Authority
from tests.support.engines import engine
from tests.support.http_servers import running, tls_with
from tests.support.nginx import gateway, remote_cache
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

CANARY = "canary-52c7e1"
# Fetches over TLS with Bazel's own downloader, which is Java, and tells what programs see.
PROBE = """\
def _probe(ctx):
    ctx.download("{url}/file", "fetched", sha256 = "{sha256}")
    seen = ctx.execute(["sh", "-c", "env; curl -sS {url}/file"])
    ctx.file("seen", seen.stdout + seen.stderr)
    ctx.file("BUILD", 'exports_files(["seen", "fetched"])')

probe = repository_rule(implementation = _probe)
"""


def _watch(tmp_path: Path, name: str) -> BuildMonitor:
    return BuildMonitor(tmp_path / name, lambda _: None, lambda: None)


def test_settings_reach_the_build_and_no_image(tmp_path: Path) -> None:
    """Proxies, a private CA and the index are there at run time, and nowhere in the image."""
    env = {
        "HTTPS_PROXY": f"http://user:{CANARY}@proxy.invalid:3128",
        "NO_PROXY": gateway(),
        "PIP_TRUSTED_HOST": "index.invalid",
    }
    index = f"https://user:{CANARY}@index.invalid/simple"
    with _tls_server(tmp_path) as (url, authority, sha256):
        network_settings = settings.gather_network_settings(
            env, UserSettings(tmp_path, index, None, None, None), authority
        )
        kept = "cp $(SRCS) out/ && cp $$PIP_CONFIG_FILE out/pip.conf && env > out/action"
        command = f"cat $$PIP_CONFIG_FILE >&2 && touch out/a.whl && {kept}"
        source = small_source(
            tmp_path / "source.tar",
            command,
            '["@probe//:seen", "@probe//:fetched"]',
            {
                "WORKSPACE": 'load("//:probe.bzl", "probe")\nprobe(name = "probe")\n',
                "BUILD": "",
                "probe.bzl": PROBE.format(url=url, sha256=sha256),
            },
        )
        flags = bazelrc.BazelServices(flags=("--disk_cache=", "--repository_cache="))
        watch = _watch(tmp_path, "build.log")
        out = run_bazel_build(engine(), make_job(source, network_settings, flags), watch)
    assert out["fetched"] == b"served over TLS\n"
    seen = out["seen"].decode()
    assert f"HTTPS_PROXY=http://user:{CANARY}@proxy.invalid:3128" in seen
    assert "served over TLS" in seen  # curl, by the same CA
    assert "NODE_EXTRA_CA_CERTS=/settings/ca.pem" in seen  # for yarn, which is not here
    assert f"index-url = {index}" in out["pip.conf"].decode()
    assert f"proxy = http://user:{CANARY}@proxy.invalid:3128" in out["pip.conf"].decode()
    assert CANARY not in out["action"].decode()  # it would be in a key of the remote cache
    pins = parse_release_table((ROOT / "dockerfiles" / "releases.txt").read_text())[
        "2.2.1"
    ].packager
    digest = hashlib.sha256(pins.replace(",", "\n").encode() + b"\n").hexdigest()
    assert f"/constraints-{digest[:12]}.txt\n" in out["action"].decode()
    said = watch.log.read_text()
    assert "proxy = http://***@proxy.invalid:3128" in said
    assert CANARY not in said
    _assert_image_is_clean(make_toolchain(tmp_path / "log"), tmp_path)


def test_tools_are_installed_with_settings_that_no_image_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit keeps neither settings' files, nor a program's variables, nor Docker's proxies."""
    tag = f"tensorboard-proxy-wheels/test-commit:{engine().run_id}"
    proxies = {"default": {"httpProxy": f"http://user:{CANARY}@proxy.invalid:3128"}}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    own = connect_engine({})
    how = ContainerOptions(
        make_toolchain(tmp_path / "log"), ["sleep", "600"], scratch=(settings.SETTINGS_DIR,)
    )
    try:
        with create_container(own, "test-commit", how) as container:
            container.write_files(settings.SETTINGS_DIR, {"pip.conf": CANARY.encode()})
            container.start()
            words = [
                "sh",
                "-c",
                f"cat {settings.SETTINGS_DIR}/pip.conf; echo $HTTP_PROXY; touch /made",
            ]
            code, said = container.run_program(words, env={"HTTP_PROXY": f"http://{CANARY}"})
            assert (code, said) == (0, f"{CANARY}http://{CANARY}\n")
            container.commit_image(tag, ['CMD ["ls", "/made"]'])
        _assert_image_is_clean(tag, tmp_path)
        assert engine().client.containers.run(tag, remove=True) == b"/made\n"
    finally:
        engine().client.images.remove(tag, force=True)
        own.client.close()


def test_a_remote_cache_answers_for_a_container_that_has_none(tmp_path: Path) -> None:
    """The second build, in a fresh container with empty caches, runs nothing: all hits."""
    source = small_source(tmp_path / "source.tar", f"echo {tmp_path} > out/a.whl")
    found = []
    with remote_cache(tmp_path / "nginx") as (url, access):
        services = bazelrc.BazelServices(url, None, ("--disk_cache=", "--repository_cache="))
        for name in ("first", "second"):
            watch = _watch(tmp_path, name)
            out = run_bazel_build(engine(), make_job(source, services=services), watch)
            found.append(build_output.count_actions(watch.log.read_text()))
            assert out == {"a.whl": f"{tmp_path}\n".encode()}
        served = access.read_text()
    first, second = found
    assert first is not None
    assert second is not None
    assert (first.executed, first.cache_hits) == (1, 0)
    assert (second.executed, second.cache_hits) == (0, 1)
    assert served.count('"PUT /ac/') == 1
    assert '"GET /cas/' in served


def _assert_image_is_clean(tag: str, tmp_path: Path) -> None:
    """Neither configuration nor history nor any file's name or content has the canary."""
    image = engine().client.images.get(tag)
    assert CANARY not in json.dumps([image.attrs, image.history()])
    saved = tmp_path / "image.tar"
    with saved.open("wb") as sink:
        sink.writelines(engine().client.api.get_image(tag))
    with tarfile.open(saved) as layers:
        for layer in layers:
            content = layers.extractfile(layer) if layer.isfile() else None
            if content is not None:
                _assert_absent(content.read)
    saved.unlink()


def _assert_absent(read: object) -> None:
    assert callable(read)
    before = b""
    while piece := read(1 << 22):
        assert CANARY.encode() not in before + piece
        before = piece[-len(CANARY) :]


@contextmanager
def _tls_server(tmp_path: Path) -> Iterator[tuple[str, bytes, str]]:
    """A server that a private CA vouches for: its address, that CA, the sha256 of what it has."""
    address = gateway()
    authority = Authority(address)
    certificate = authority.write(tmp_path / "server.pem")
    content = b"served over TLS\n"
    sha256 = hashlib.sha256(content).hexdigest()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            del format, args

    server = ThreadingHTTPServer((address, 0), Handler)
    with running(server, tls_with(certificate)) as url:
        yield url.rstrip("/"), authority.pem, sha256
