"""A Jupyter that is not ours: its CA, its Hub, and what its kernel says."""

from __future__ import annotations

from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import requests
from msgspec.structs import replace

from builder.errors import SmokeError
from builder.smoke.jupyter.existing_jupyter import (
    ExistingJupyter,
    detect_deployment,
    find_redirect,
    open_existing_site,
)
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.login import has_form, log_in
from builder.smoke.model import Deployment, Frontend, JupyterSite, ProbeFailure, ProbeOutcome
from builder.smoke.probes import exposure
from builder.smoke.results.recorder import ProbeRecorder
from builder.system.redact import Secret
from tests.support import jupyter
from tests.support.certificates import Authority
from tests.support.http_servers import running, tls_with
from tests.support.smoke_page import INSTALLED, TOKEN, Imitation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support.cli import RunBuilder

SECRET = "canary-5a17f0"


def test_the_command_refuses_without_a_word_of_the_secret(
    run_builder: RunBuilder, tmp_path: Path
) -> None:
    """Exit code 2, and not as a fault of ours."""
    token_file = tmp_path / "token"
    token_file.write_text("abc-1\n")
    url = f"http://h/lab?token={SECRET}"
    done = run_builder("smoke", "--url", url, "--token-file", str(token_file))
    assert done.returncode == 2
    assert "user's own server" in done.stderr
    assert SECRET not in done.stdout + done.stderr


@contextmanager
def _answering(body: str) -> Iterator[str]:
    """A server that answers that, with the headers it gets, to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = body.replace("WHO", str(self.headers["Authorization"])).encode()
            self.send_response(500 if "WHO" in body else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with _served(Handler) as url:
        yield url


def _served(handler: type[BaseHTTPRequestHandler]) -> AbstractContextManager[str]:
    return running(ThreadingHTTPServer(("127.0.0.1", 0), handler))


@pytest.mark.parametrize("body", ["[]", "{}", "null", '{"default": 1}', "", "<html>", "WHO"])
def test_what_is_no_jupyter_is_told(body: str) -> None:
    """Any answer is one line, in which a server that repeats the token is not quoted."""
    with _answering(body) as url, pytest.raises(SmokeError, match="no kernel can be had") as error:
        detect_deployment(ExistingJupyter(url, Secret(SECRET)), Frontend.LAB)
    assert SECRET not in error.value.message


def test_its_kernel_is_asked_by_its_own_ca(
    tmp_path: Path, stock_wheel: Callable[[str], Path]
) -> None:
    """TensorBoard and variable, over TLS; without the CA it is not trusted."""
    env = {
        "PYTHONPATH": str(stock_wheel("2.2.1")),  # a ZIP file, of which Python imports
        "TENSORBOARD_PROXY_URL": "/hub/user-redirect/proxy/%PORT%/",
    }
    authority = Authority("127.0.0.1")
    with jupyter.running(tmp_path, "/user/ann/", authority, env) as site:
        there = ExistingJupyter(site.url, site.token, site.ca_bundle)
        deployment, wheel = detect_deployment(there, Frontend.NOTEBOOK)
        assert wheel == INSTALLED
        assert deployment.variable == env["TENSORBOARD_PROXY_URL"]
        assert deployment.redirect == "", "without a Hub that form leads nowhere"
        assert (deployment.base_url, deployment.name) == ("/user/ann/", there.report_name)
        with open_existing_site(there, deployment, wheel) as theirs:
            assert theirs.has_form
            log_in(theirs).close()
        with pytest.raises(SmokeError, match="CERTIFICATE_VERIFY_FAILED"):
            detect_deployment(replace(there, ca_bundle=None), Frontend.LAB)


def test_every_way_to_it_takes_its_ca(tmp_path: Path) -> None:
    """Strangers are refused over TLS too; and each way fails where the CA is not known."""
    authority = Authority("127.0.0.1")
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(authority.pem)
    tls = tls_with(authority.write(tmp_path / "server.pem"))
    with Imitation("", form=False, tls=tls) as imitation:
        deployment = Deployment("x", Frontend.CLASSIC)
        knowing = JupyterSite(
            deployment, imitation.url, Secret(TOKEN), INSTALLED, ca_bundle=str(bundle)
        )
        for site, outcome in (
            (knowing, ProbeOutcome.PASSED),
            (replace(knowing, ca_bundle=None), ProbeOutcome.FAILED),
        ):
            record = ProbeRecorder()
            exposure.run_exposure_probes(site, 6006, record)
            assert record.results[0].name == "anonymous-refused"
            assert record.results[0].outcome is outcome, record.results[0].detail
        assert not has_form(knowing)
        with closing(JupyterClient.for_site(knowing, knowing.token)) as web:
            assert web.send_request("api").status == 200
        with pytest.raises(ProbeFailure, match="login answers 403"):
            log_in(knowing)
        with pytest.raises(requests.exceptions.SSLError):
            has_form(replace(knowing, ca_bundle=None))


@pytest.mark.parametrize(
    ("variable", "hub", "redirect"),
    [
        ("/hub/user-redirect/proxy/%PORT%/", True, "/hub/user-redirect/"),
        ("/jhub/hub/user-redirect/proxy/%PORT%/", True, "/jhub/hub/user-redirect/"),
        ("https://h/hub/user-redirect/proxy/%PORT%/", True, "/hub/user-redirect/"),
        ("/hub/user-redirect/proxy/%PORT%/", False, ""),
        ("/user/ann/proxy/%PORT%/", True, ""),
        ("/proxy/%PORT%/hub/user-redirect/", True, ""),
        ("", True, ""),
    ],
)
def test_the_user_redirect_of_a_hub_is_found(variable: str, hub: bool, redirect: str) -> None:
    """Where there is a Hub, which sends those without a login to its form."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = hub and self.path.endswith("/hub/user-redirect/")
            self.send_response(302 if known else 404)
            self.send_header("Location", "/hub/login")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with _served(Handler) as url, closing(JupyterClient(f"{url}user/ann/", Secret(SECRET))) as web:
        assert find_redirect(web, variable) == redirect
