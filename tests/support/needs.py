"""What tests need of the machine: without it they are skipped, and in `.ci/run` they fail."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import pytest
from msgspec.structs import replace

from builder.context import RunContext
from builder.errors import PythonNotFoundError
from builder.system.console import Console
from builder.system.pythons import PythonFinder
from builder.system.settings import read_user_settings
from builder.system.virtualenvs import make_uv_env

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# `.ci/run` sets it, since it brings everything along. CI systems set CI everywhere, also where the
# machine is theirs and lacks this or that.
STRICT = "NOTHING_SKIPPED"


def lacking(what: str) -> NoReturn:
    """Skip the test because of what is not there, or fail it where nothing may be skipped."""
    if os.environ.get(STRICT):
        pytest.fail(f"nothing is to be skipped here: {what}")
    pytest.skip(what)


@cache
def pythons() -> PythonFinder:
    """The CPythons of this machine, as the product finds them."""
    return PythonFinder(settings_of_uv())


def context(env: Mapping[str, str] = os.environ, *, store: Path | None = None) -> RunContext:
    """The context of a run on this machine, with a cache of its own if a directory is given."""
    settings = read_user_settings(env)
    return RunContext(settings if store is None else replace(settings, cache=store), env, Console())


def settings_of_uv() -> dict[str, str]:
    """What uv starts with, as in the product: pip's index and CAs are the ones that users set."""
    return make_uv_env(read_user_settings(os.environ), os.environ)


def python(version: str) -> Path:
    """The interpreter of a CPython that is here, or that uv could fetch."""
    try:
        return pythons().find_python(version)
    except PythonNotFoundError as error:
        lacking(f"{error.message}; install it, or put it on PATH")


def other_users(python: Path | None = None) -> tuple[str, ...]:
    """Words in front of a command that make whoever runs it the user `{uid}`.

    Args:
        python: what they are to run. Below /root, where pyenv has its own, others may not go:
            then they may read everything, and write and own no more than others.
    """
    words = ("setpriv", "--reuid={uid}", "--regid={uid}", "--clear-groups")
    if os.geteuid() != 0:
        lacking("only root can be several users; run it as root")
    if shutil.which("setpriv") is None:
        lacking("there is no setpriv; install util-linux")
    reading = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for more in ((), reading):
        tried = [word.format(uid=4001) for word in (*words, *more)]
        words_tried = [*tried, str(python or "true"), "--version"]
        done = subprocess.run(words_tried, check=False, capture_output=True)
        if done.returncode == 0:
            return (*words, *more)
    lacking(f"another user cannot run {python}")
