"""The Hub's smoke tests: configurations and forms as data, attempts, the page of a run."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from builder.errors import RequestError
from builder.reports.hub_page import render_hub_page
from builder.smoke.hub import hub_proxy, variable_forms
from builder.smoke.hub.access_attempts import (
    AccessComparison,
    AttemptResult,
    UserTensorBoard,
    expect_readable,
    expect_refused,
    expect_unreadable,
    try_access,
)
from builder.smoke.hub.configurations import (
    HUB_CONFIGURATIONS,
    HUB_UNPATCHED_CONTROL,
    HUB_UNSET_CONTROL,
    HubConfiguration,
)
from builder.smoke.hub.hub_user import escape_user_name, find_last_event
from builder.smoke.hub.site import Hub
from builder.smoke.hub_run import run_hub_layers
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.model import ProbeFailure, ProbeOutcome, ProbeResult
from builder.smoke.probes.table import PROBE_TABLE
from builder.smoke.results.recorder import ProbeRecorder
from builder.smoke.results.result import DeploymentResult, write_result
from builder.smoke.run import SmokeContext
from builder.system.redact import Secret
from tests.support.http_servers import running
from tests.support.releases import ROOT
from tests.support.results import make_probe

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.cli import RunBuilder

_HUB = ROOT / "dockerfiles" / "hub"


@given(st.text(min_size=1))
def test_a_name_in_an_address_is_one_segment_that_leads_back(name: str) -> None:
    """Nothing of a name ends the segment, the path or the address; `@` and `~` stay."""
    path = urlsplit(f"http://h/user/{escape_user_name(name)}/x").path
    assert path.count("/") == 3
    assert unquote(path.split("/")[2]) == name
    assert escape_user_name("ann@example.org~2") == "ann@example.org~2"


@pytest.mark.parametrize(
    ("variable", "server", "base_url", "wanted", "redirect"),
    [
        ("{base_url}proxy/%PORT%/", "", "/jhub/user/a%20b/", "/jhub/user/a%20b/proxy/%PORT%/", ""),
        ("{base_url}x/", "two", "/jhub/user/a%20b/two/", "/jhub/user/a%20b/two/x/", ""),
        ("/jhub/hub/user-redirect/", "", "/jhub/user/a%20b/", None, "/jhub/hub/user-redirect/"),
    ],
)
def test_a_configuration_is_a_deployment_for_each_server(
    variable: str, server: str, base_url: str, wanted: str | None, redirect: str
) -> None:
    """Base URL and variable are those of that user's server, below the Hub's prefix."""
    layers = ("kernel", "isolation")
    made = HubConfiguration("x", prefix="/jhub/", variable=variable, layers=layers)
    deployment = made.to_deployment("a b", server)
    assert deployment.base_url == base_url
    assert deployment.variable == (variable if wanted is None else wanted)
    assert deployment.redirect == redirect
    assert deployment.layers == ("kernel",), "the harness knows no layer of the Hub's own"
    assert deployment.picture_name == "jupyterhub"


def test_every_configuration_has_its_file() -> None:
    """Each names a file in dockerfiles/hub/ which is Python, and those with a socket say so."""
    for configuration in (*HUB_CONFIGURATIONS, HUB_UNSET_CONTROL, HUB_UNPATCHED_CONTROL):
        text = (_HUB / configuration.file).read_text()
        compile(text, configuration.file, "exec")
        assert configuration.contained == ("IS ROOT" in text)
    assert len({c.name for c in HUB_CONFIGURATIONS}) == len(HUB_CONFIGURATIONS)


_COMMAND = re.compile(r"^#?[ ]{3,}(docker (?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)


def test_commands_to_be_typed_are_commands() -> None:
    """What comments and docstrings of dockerfiles/ tell to type is one command, as it stands.

    A backslash that was escaped cuts it in two, of which a shell knows no program for the second.
    """
    files = sorted((ROOT / "dockerfiles").rglob("*"))
    texts = [path.read_text() for path in files if path.is_file()]
    commands = [re.sub(r"\n#", "\n", m[1]) for text in texts for m in _COMMAND.finditer(text)]
    assert any("docker.sock" in c and c.endswith("jupyterhub_config_docker.py") for c in commands)
    for command in commands:
        typed = f'docker() {{ printf "%s\\n" "$@"; }}\n{command}'
        done = subprocess.run(["bash", "-euc", typed], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), command
        assert not {"", "\\"}.intersection(done.stdout.splitlines()), command


def test_every_form_is_a_probe_of_its_hub() -> None:
    """The table has each form in the layer of the Hub that tries it, and no other form."""
    layers = {c.prefix: c.name for c in HUB_CONFIGURATIONS if c.name.startswith("hub-forms")}
    tabled = {n: row.layer for n, row in PROBE_TABLE.items() if row.layer in layers.values()}
    assert tabled == {
        name: layers[form.prefix] for name, form in variable_forms.HUB_VARIABLE_FORMS.items()
    }


@pytest.mark.parametrize("prefix", [variable_forms.ROOT, variable_forms.PREFIX])
def test_every_form_has_a_user_of_its_own(prefix: str) -> None:
    """No two forms of a Hub share a user, whose server has one form only."""
    of_prefix = [
        form for form in variable_forms.HUB_VARIABLE_FORMS.values() if form.prefix == prefix
    ]
    assert len(variable_forms.map_users_to_values(prefix)) == len(of_prefix)


def test_the_last_event_of_a_progress_counts() -> None:
    """Comments and earlier events are passed over; a stream without any has none."""
    stream = ': hello\n\ndata: {"progress": 0}\n\ndata: {"ready": true, "url": "/x"}\n\n'
    assert find_last_event(stream) == {"ready": True, "url": "/x"}
    assert find_last_event("") == {}


_CANARY = "canary-5eb0a1"


class _Jupyter(BaseHTTPRequestHandler):
    """Serves a TensorBoard to those with a token, a mistake to `leak`, refusals to the others."""

    def do_GET(self) -> None:
        if self.path.startswith("/hub/login"):
            self._say(200, "<form>")
        elif self.headers.get("Authorization") == "token hers":
            self._say(200, "<title>TensorBoard</title>")
        elif self.path.startswith("/leak/") and self.path.endswith("/tags"):
            self._say(200, json.dumps({"train": {_CANARY: {}}}))
        elif self.headers.get("Authorization"):
            self._say(403, "")
        else:
            self._say(302, "", Location="/hub/login")

    def do_POST(self) -> None:
        self._say(403, "")

    def log_message(self, *words: Any) -> None:
        """Say nothing."""

    def _say(self, status: int, body: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def _jupyter() -> AbstractContextManager[str]:
    return running(ThreadingHTTPServer(("127.0.0.1", 0), _Jupyter))


@pytest.mark.parametrize(
    ("token", "path", "statuses", "reported"),
    [
        ("hers", "proxy/6006/", ("200", "200", "403"), (True, True, False)),
        ("his", "proxy/6006/", ("403", "403", "403"), (False, False, False)),
        (None, "proxy/6006/", ("login", "login", "403"), (False, False, False)),
        ("his", "leak/", ("403", "200", "403"), (False, True, False)),
    ],
)
def test_an_attempt_tells_whether_anything_was_read(
    token: str | None, path: str, statuses: tuple[str, ...], reported: tuple[bool, ...]
) -> None:
    """TensorBoard's page is a leak, so is a canary below a page that is refused; a form is none."""
    with (
        _jupyter() as url,
        closing(JupyterClient(url, None if token is None else Secret(token))) as web,
    ):
        seen = try_access(web, f"{url}{path}", UserTensorBoard("/", 6006, _CANARY))
    assert seen == AttemptResult(statuses, reported)
    assert seen.is_readable == any(reported)


_OUT = AttemptResult(("403", "login"), (False, False))
_IN = AttemptResult(("200", "403"), (True, False))


def test_attempts_are_counted_and_one_leak_is_enough() -> None:
    """Answers count that the owner reads and the other does not; one that he reads is named."""
    a, b = AccessComparison("a", _IN, _OUT), AccessComparison("b", _IN, _OUT)
    assert expect_refused([a, b]) == "0 of 2 answers that she reads: a 403, login; b 403, login"
    with pytest.raises(ProbeFailure, match="read it: b"):
        expect_refused([a, AccessComparison("b", _IN, _IN)])


def test_a_way_that_its_owner_may_not_go_proves_nothing() -> None:
    """Each way needs its own control; what nobody reads is told apart, and once read is no such."""
    with pytest.raises(ProbeFailure, match="the control failed: b answers 403, login"):
        expect_refused([AccessComparison("a", _IN, _OUT), AccessComparison("b", _OUT, _OUT)])
    expect_readable([("a", _IN)])
    with pytest.raises(ProbeFailure, match="the control failed: b answers 403, login"):
        expect_readable([("a", _IN), ("b", _OUT)])
    assert expect_unreadable([("hers", _OUT), ("his", _OUT)]) == "hers 403, login; his 403, login"
    with pytest.raises(ProbeFailure, match="leads there: hers"):
        expect_unreadable([("hers", _IN), ("his", _OUT)])


def test_what_was_due_without_a_server_is_not_missing(tmp_path: Path) -> None:
    """Where nobody gets in, every probe of every layer is in the result, as failed."""
    nothing: Any = None
    how = SmokeContext("none", None, tmp_path, lambda *_: None, lambda: None, print)
    for configuration in (c for c in HUB_CONFIGURATIONS if not c.contained):
        hub = Hub(nothing, configuration, nothing, nothing, "http://127.0.0.1:9/", "")
        record = ProbeRecorder()
        run_hub_layers(how, hub, 2, record, tmp_path)
        layers = set(configuration.layers)
        layers |= {"hub"} if configuration.to_deployment("x").layers else set()
        layers |= {"strangers", "shared-loopback"} if "isolation" in layers else set()
        due = {name for name, row in PROBE_TABLE.items() if row.layer in layers - {"isolation"}}
        assert {result.name for result in record.results} == due
        assert {result.outcome for result in record.results} == {ProbeOutcome.FAILED}


_LAYERS = {
    "hub": ("shared-loopback", "stopped"),
    "hub-redirect": (),
    "hub-containers": ("strangers", "isolation", "stopped"),
    "hub-existing": (),
    "hub-forms": ("hub-forms",),
    "hub-forms-prefix": ("hub-forms-prefix",),
    "hub-load": ("load",),
}


def _results(release: str, **failed: str) -> list[DeploymentResult]:
    """Results of a run in which all went as expected, but for those named, and of a Lab."""

    def probe(name: str) -> ProbeResult:
        form = variable_forms.HUB_VARIABLE_FORMS.get(name)
        detail = f"/user/x/proxy/6006/: {form.effect}" if form else "0 of 18 | read"
        outcome = ProbeOutcome.FAILED if name in failed else ProbeOutcome.PASSED
        return make_probe(name, outcome, failed.get(name, detail))

    def result(deployment: str, sha256: str, *layers: str) -> DeploymentResult:
        probes = tuple(probe(name) for name, row in PROBE_TABLE.items() if row.layer in layers)
        return DeploymentResult(
            release, deployment, "docker 1", "w.whl", sha256, 1.0, probes, date="2026-11-25"
        )

    found = [result(name, "ab" * 32, *layers) for name, layers in _LAYERS.items()]
    return [*found, *(result(name, "cd" * 32) for name in ("lab", "hub-unpatched"))]


def test_the_page_has_what_the_run_has_shown() -> None:
    """Every form with what was seen of it, release by release; a failure is not hidden."""
    broken = {"hub-form-plain": "the frame loads x: works, not 404"}
    text = render_hub_page([*_results("2.10.0", **broken), *_results("2.2.1")])
    rows = [line for line in text.splitlines() if "| `/` |" in line or "| `/jhub/` |" in line]
    assert "| 2.2.1 | 2.10.0 |" in text
    assert len(rows) == len(variable_forms.HUB_VARIABLE_FORMS)
    assert re.search(r"taken over.*\| 404 in the frame \| \*\*failed\*\*: the frame loads", text)
    assert "0 of 18 \\| read" in text, "a bar of a detail is no bar of the table"
    assert "- 2.10.0: wheel with the sha256 abababababab…, docker 1, 2026-11-25\n" in text


def test_the_docs_have_every_form() -> None:
    """docs/smoke-hub.md was written after the last change of the forms, and all of them passed."""
    text = (ROOT / "docs" / "smoke-hub.md").read_text()
    rows = [line for line in text.splitlines() if "| `/` |" in line or "| `/jhub/` |" in line]
    assert len(rows) == len(variable_forms.HUB_VARIABLE_FORMS)
    for row, form in zip(rows, variable_forms.HUB_VARIABLE_FORMS.values(), strict=True):
        assert f" | {form.where} | `{form.prefix}` | {form.effect} |" in row


def test_the_docs_have_every_probe() -> None:
    """docs/smoke-hub.md is of a run of today's probes, none of which failed."""
    text = (ROOT / "docs" / "smoke-hub.md").read_text()
    layers = {"strangers", "isolation", "shared-loopback", "stopped", "load"}
    for row in PROBE_TABLE.values():
        if row.layer in layers:
            assert f"| {row.sentence} | passed" in text
    assert "failed" not in text


def _without(results: list[DeploymentResult], name: str) -> list[DeploymentResult]:
    return [
        structs.replace(r, probes=tuple(p for p in r.probes if p.name != name))
        for r in results
        if r.deployment != name
    ]


def test_the_page_wants_a_whole_run() -> None:
    """Nothing of the Hub, a configuration that is missing, or a probe: no page, and what to do."""
    with pytest.raises(RequestError, match="no results of the Hub are there"):
        render_hub_page(_results("2.2.1")[-2:])
    whole = _results("2.21.0")
    for name in _LAYERS:
        with pytest.raises(RequestError, match=f"the results of 2.2.1 lack {name}$") as error:
            render_hub_page([*whole, *_without(_results("2.2.1"), name)])
        assert error.value.hint == "run all of it: nox -s smoke_hub -- 2.2.1"
    for name in ("hub-form-prefix", "ways-of-nobody", "shared-loopback-read", "proxy-killed"):
        with pytest.raises(RequestError, match=f"2.2.1 are older than the probe {name}$"):
            render_hub_page([*whole, *_without(_results("2.2.1"), name)])


@pytest.mark.parametrize("field", ["sha256", "engine"])
def test_the_page_is_of_one_wheel_and_one_engine(field: str) -> None:
    """What one configuration has from another run is not mixed with the rest."""
    for place in range(len(_LAYERS)):
        results = _results("2.2.1")
        results[place] = structs.replace(results[place], **{field: "other"})
        with pytest.raises(RequestError, match=r"of 2\.2\.1 are of several wheels or engines"):
            render_hub_page(results)


def test_the_command_says_what_is_wrong(run_builder: RunBuilder) -> None:
    """A configuration that there is not, a page without a run: exit code 2, and what to do."""
    unknown = run_builder("smoke-hub", "2.2.1", "--only", "hub-fancy")
    assert (unknown.returncode, "hub-containers" in unknown.stderr) == (2, True)
    empty = run_builder("smoke-hub", "table")
    assert (empty.returncode, "nox -s smoke_hub" in empty.stderr) == (2, True)


def test_the_command_writes_the_page_or_says_why_not(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """A directory that is not there is a line about it, with the option that names another."""
    for result in _results("2.2.1"):
        place = tmp_path / "2.2.1" / result.deployment
        place.mkdir(parents=True)
        write_result(result, place)
    words = ("smoke-hub", "table", "--reports", str(tmp_path), "--page")
    lost = run_builder(*words, str(tmp_path / "nowhere" / "x.md"))
    assert lost.returncode == 7
    assert "nowhere/x.md cannot be written: No such file or directory" in lost.stderr
    assert "--page" in lost.stderr
    assert run_builder(*words, str(tmp_path / "x.md")).returncode == 0
    assert (tmp_path / "x.md").read_text() == render_hub_page(_results("2.2.1"))


def test_the_proxy_is_packed_the_same_each_time(tmp_path: Path) -> None:
    """Times, owners and npm's notes, which name its registry, are not in the archive."""
    made = []
    for number in (1, 2):
        root = tmp_path / str(number)
        (root / "node_modules" / "p").mkdir(parents=True)
        (root / "node_modules" / "p" / "index.js").write_text("1")
        (root / "node_modules" / ".package-lock.json").write_text(f"registry-{number}")
        (root / "package-lock.json").write_text(f"registry-{number}")
        hub_proxy.pack_node_modules(root, tmp_path / f"{number}.tar")
        made.append((tmp_path / f"{number}.tar").read_bytes())
    assert made[0] == made[1]
    assert b"index.js" in made[0]
    assert b"registry" not in made[0]
