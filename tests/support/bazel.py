"""What the tests of the source build share: small sources, changed upstreams, the toolchain."""

from __future__ import annotations

import io
import shutil
import tarfile
from functools import cache
from typing import TYPE_CHECKING

from builder.bazel import bazelrc, container_build, settings, toolchain
from builder.system.settings import UserSettings
from tests.support.engines import build_base, engine
from tests.support.releases import ROOT
from tests.support.upstream import git

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

# Half the processor time for builds that are over in seconds.
_QUICK_START = b"startup --host_jvm_args=-XX:TieredStopAtLevel=1\n"
NO_SETTINGS = UserSettings(ROOT, None, None, None, None)
# Writes pip_packages.tar.gz, as the release's own target does, from files in the directory `out`.
RULE = """\
genrule(
    name = "pip_package",
    srcs = {srcs},
    outs = ["pip_packages.tar.gz"],
    cmd = "mkdir out && {command} && tar -czf $@ -C out .",
)
"""


@cache
def make_toolchain(log: Path) -> str:
    """The toolchain's image, of the base image that has Debian's Bazel."""
    network_settings = settings.gather_network_settings({}, NO_SETTINGS, None)
    builder_ = toolchain.make_toolchain_builder(
        engine(), build_base(), ROOT / "dockerfiles", network_settings, lambda _: None
    )
    return toolchain.build_toolchain_image(
        builder_, toolchain.BazelBinary(None), log, lambda _: None
    )


def small_source(
    target: Path, command: str, srcs: str = "[]", files: Mapping[str, str] | None = None
) -> Path:
    """A source, as a tar archive, whose wheel target runs a command."""
    tree = {
        "WORKSPACE": 'workspace(name = "small")\n',
        "tensorboard/pip_package/BUILD": RULE.format(command=command, srcs=srcs),
        **(files or {}),
    }
    with tarfile.open(target, "w") as packed:
        for name, text in tree.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            packed.addfile(entry, io.BytesIO(text.encode()))
    return target


def make_job(
    source: Path,
    network_settings: settings.NetworkSettings | None = None,
    services: bazelrc.BazelServices | None = None,
    timeout: float = 300,
) -> container_build.BazelJob:
    """A build of that source by the real toolchain, without the caches of other builds."""
    network_settings = network_settings or settings.NetworkSettings({}, {})
    services = services or bazelrc.BazelServices(flags=("--disk_cache=",))
    lines = _QUICK_START + bazelrc.render_bazelrc(
        services, None, trusts=network_settings.has_certificates
    )
    return container_build.BazelJob(
        release="2.2.1",
        image=make_toolchain(source.with_suffix(".image.log")),
        source=source,
        changed={},
        env=network_settings.env,
        settings={**network_settings.files, "bazelrc": lines},
        timeout=timeout,
    )


def changed_upstream(
    upstream: Path, target: Path, edit: Callable[[Path], None], tag: str = "2.2.1"
) -> Path:
    """A repository like the stand-in, whose tag has one more change."""
    git(target.parent, "clone", "--quiet", "--no-local", str(upstream), str(target))
    git(target, "checkout", "--quiet", "--detach", f"refs/tags/{tag}")
    edit(target)
    git(target, "add", "--all")
    who = ("-c", "user.name=Stand-in", "-c", "user.email=stand-in@localhost")
    git(target, *who, "commit", "--quiet", "--message", "changed")
    git(target, "tag", "--force", tag)
    return target


def replace_rule(command: str) -> Callable[[Path], None]:
    """An edit that lets the wheel target run a command instead."""

    def edit(tree: Path) -> None:
        shutil.rmtree(tree / "tensorboard" / "pip_package")
        (tree / "tensorboard" / "pip_package").mkdir()
        rule = RULE.format(command=command, srcs="[]")
        (tree / "tensorboard" / "pip_package" / "BUILD").write_text(rule)

    return edit


def containers(of: str) -> list[str]:
    """The containers, running or not, whose names end in that."""
    names = [str(c.name) for c in engine().client.containers.list(all=True, ignore_removed=True)]
    return [name for name in names if name.endswith(of)]
