"""Give the program every address of an attack at one door; print what it prints.

`python address_driver.py DOOR`, with a JSON object name → address as standard input; the answer is
name → output. Each run is a fork of its own, as importing the program takes the most time.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from builder.cli import main

# What would be imported in each fork again.
_PRELOADED = (
    *(f"builder.cli.{verb}" for verb in ("build", "catalog", "plan", "prune", "publish")),
    *("builder.bazel.backend", "builder.publish.rehearsal", "builder.publish.uploader"),
    *("builder.git.mirror", "docker", "git", "keyring", "pypi_simple", "twine.settings"),
)
_SHA = "60393f85"
_PICK = ("plan", "2.2.1", "--cherry-pick", _SHA)
_PUBLISH = ("publish", "2.2.1", "--dry-run", "--no-install", "--repository")
_NOWHERE = "https://127.0.0.2:9/simple"
_PYPIRC = "[distutils]\nindex-servers = ours\n[ours]\nusername = ann\nrepository = {}\n"

# Door → the words and the environment; `{}` is where the address goes.
DOORS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "--upstream": ((*_PICK, "--upstream", "{}"), {}),
    "--from": ((*_PICK, "--from", "{}"), {}),
    "--repository": ((*_PUBLISH, "{}"), {}),
    "--index-url": (("install-hint", "2.2.1", "--repository", _NOWHERE, "--index-url", "{}"), {}),
    "--remote-cache": (("build", "2.2.1", "--backend", "bazel", "--remote-cache", "{}"), {}),
    "PIP_INDEX_URL": (("catalog", "check"), {"PIP_INDEX_URL": "{}"}),
    "UV_DEFAULT_INDEX": (("catalog", "check"), {"UV_DEFAULT_INDEX": "{}"}),
    "HTTPS_PROXY": (("catalog", "check"), {"PIP_INDEX_URL": _NOWHERE, "HTTPS_PROXY": "{}"}),
    "PIP_PROXY": (("catalog", "check"), {"PIP_INDEX_URL": _NOWHERE, "PIP_PROXY": "{}"}),
    "git's proxy": ((*_PICK, "--upstream", _NOWHERE), {"HTTPS_PROXY": "{}"}),
    "pip.conf": (("catalog", "check"), {"PIP_CONFIG": "[global]\nindex-url = {}\n"}),
    "a broken pip.conf": (("catalog", "check"), {"PIP_CONFIG": "[global]\nindex-url {}\n"}),
    ".pypirc": ((*_PUBLISH, "ours"), {"PYPIRC": _PYPIRC}),
    "a broken .pypirc": ((*_PUBLISH, "ours"), {"PYPIRC": "repository = {}\n"}),
    "uploads' proxy": ((*_PUBLISH, _NOWHERE), {"HTTPS_PROXY": "{}"}),
    "DOCKER_HOST": (("prune",), {"DOCKER_HOST": "{}"}),
}


def _run(door: str, address: str, home: Path, output: int) -> None:
    """Run the program in this process, and end the process."""
    words, env = DOORS[door]
    for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    os.environ |= {"TWINE_USERNAME": "ann", "TWINE_PASSWORD": "canary-27182"}
    for name, value in env.items():
        filled = value.replace("{}", address)
        if name == "PIP_CONFIG":
            (home / "pip.conf").write_text(filled, encoding="utf-8")
            os.environ["PIP_CONFIG_FILE"] = str(home / "pip.conf")
        elif name == "PYPIRC":
            (home / ".pypirc").write_text(filled, encoding="utf-8")
        else:
            os.environ[name] = filled
    for stream in (1, 2):
        os.dup2(output, stream)
    # With --debug, errors are printed as without it, and tracebacks, too.
    main([*(word.replace("{}", address) for word in words), "--debug"])


def _read_output(door: str, address: str) -> str:
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            try:
                _run(door, address, Path(home), file.fileno())
            except SystemExit as ended:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(int(ended.code or 0))
            except BaseException:
                sys.excepthook(*sys.exc_info())
                sys.stderr.flush()
            os._exit(1)
        os.waitpid(child, 0)
        file.seek(0)
        return file.read().decode(errors="replace")


if __name__ == "__main__":
    for module in _PRELOADED:
        importlib.import_module(module)
    time.sleep = lambda _: None  # between attempts to reach what is not there
    found = {n: _read_output(sys.argv[1], a) for n, a in json.load(sys.stdin).items()}
    print(json.dumps(found))  # noqa: T201 - the answer
