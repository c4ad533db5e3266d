"""The layer `forms`: what each form of the variable that is seen in the wild does.

A form is tested by setting `TENSORBOARD_PROXY_URL` in the kernel, as TensorBoard reads it at
each display.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import requests

from builder.smoke.jupyter.frame import expect_one_frame
from builder.smoke.jupyter.http_client import BarredOriginError
from builder.smoke.jupyter.tensorboard_client import (
    TENSORBOARD_START_TIMEOUT,
    TensorBoardClient,
    launch_tensorboard,
    read_info_files,
    stop_tensorboard,
)
from builder.smoke.model import PROXY_URL_VARIABLE, ProbeFailure, VariableEffect
from builder.smoke.probes.ports import find_port_from_kernel

if TYPE_CHECKING:
    from builder.smoke.jupyter.http_client import JupyterResponse
    from builder.smoke.jupyter.messages import CellExecution
    from builder.smoke.jupyter.notebook_session import NotebookSession
    from builder.smoke.results.recorder import ProbeRecorder


class VariableForm(NamedTuple):
    """A form of the variable `TENSORBOARD_PROXY_URL`.

    Attributes:
        value: the variable's value, or None for unset; `{base}` is Jupyter's base URL, `{origin}`
            its origin, `{free}` a port that is not TensorBoard's.
        where: where the form is seen.
        at_root: its effect where the base URL is `/`.
        below: its effect where there is a prefix.
        expanded: None if no shell expands the value. Else one element: what
            `JUPYTERHUB_SERVICE_PREFIX` is set to in the shell that the kernel's environment
            variables come from, or None to keep it as it is.
        arguments: further ones for `%tensorboard`; `{free}` is then the port.
    """

    value: str | None
    where: str
    at_root: VariableEffect
    below: VariableEffect
    expanded: tuple[str | None] | None = None
    arguments: str = ""


_STACKS = "${JUPYTERHUB_SERVICE_PREFIX:-/}proxy/%PORT%/"
_WORKS, _LOST = VariableEffect.WORKS, VariableEffect.NOT_FOUND

VARIABLE_FORMS: dict[str, VariableForm] = {
    "form-plain": VariableForm("/proxy/%PORT%/", "JupyterLab, Notebook at `/`", _WORKS, _LOST),
    "form-docker-stacks": VariableForm(_STACKS, "docker-stacks' images", _WORKS, _LOST, (None,)),
    "form-service-prefix": VariableForm(
        _STACKS, "the same where the service prefix is set", _WORKS, _WORKS, ("{base}",)
    ),
    "form-base-url": VariableForm(
        "{base}proxy/%PORT%/", "a callable, from the base URL", _WORKS, _WORKS
    ),
    "form-no-slash": VariableForm("{base}proxy/%PORT%", "the last slash forgotten", _WORKS, _WORKS),
    "form-full-url": VariableForm("{origin}{base}proxy/%PORT%/", "an HPC centre", _WORKS, _WORKS),
    "form-unset": VariableForm(
        None, "nobody set it", VariableEffect.AS_UNSET, VariableEffect.AS_UNSET
    ),
    "form-empty": VariableForm(
        "", "a callable without a server", VariableEffect.AS_UNSET, VariableEffect.AS_UNSET
    ),
    "form-fixed-port": VariableForm(
        "{base}proxy/{free}/", "TensorBoard moved on", VariableEffect.NOBODY, VariableEffect.NOBODY
    ),
    "form-wrong-prefix": VariableForm("/nowhere/proxy/%PORT%/", "another user's", _LOST, _LOST),
    "form-user-redirect": VariableForm(
        "/hub/user-redirect/proxy/%PORT%/", "a Hub's form without a Hub", _LOST, _LOST
    ),
    "form-absolute": VariableForm(
        "{base}proxy/absolute/%PORT%/", "the original README", _LOST, _LOST
    ),
    "form-absolute-prefixed": VariableForm(
        "{base}proxy/absolute/%PORT%/",
        "the same, and TensorBoard told of it",
        _WORKS,
        _WORKS,
        arguments="--port {free} --path_prefix {base}proxy/absolute/{free}",
    ),
}

_KEEP = f"import os\n_before = os.environ.get({PROXY_URL_VARIABLE!r})"
_RESTORE = f"""\
os.environ.pop({PROXY_URL_VARIABLE!r}, None)
if _before is not None:
    os.environ[{PROXY_URL_VARIABLE!r}] = _before"""
_EXPAND = """\
import json, os, subprocess
_environ = dict(os.environ, **SET)
_words = ["sh", "-c", 'printf %s "VALUE"']
_value = subprocess.run(_words, env=_environ, stdout=subprocess.PIPE, check=True).stdout.decode()
print(json.dumps(_value))"""


def list_form_rows() -> list[tuple[str, str, str, str]]:
    """List the docs' table rows: form, where it is seen, effect at `/`, effect below a prefix."""
    return [
        (
            ("unset" if form.value is None else f"`{form.value}`" if form.value else "empty")
            + (f" with `{form.arguments}`" if form.arguments else ""),
            form.where,
            form.at_root,
            form.below,
        )
        for form in VARIABLE_FORMS.values()
    ]


def run_form_probes(session: NotebookSession, recorder: ProbeRecorder) -> None:
    """Run the probes of the layer `forms`."""
    with recorder.layer("forms"):
        with recorder.probe("forms-prepared", vital=True) as set_detail:
            session.run_setup_cells()
            expect_one_frame(
                session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
                session.page_url,
            )
            base = urlsplit(session.site.url).path
            set_detail(f"base URL {base}")
            session.kernel.run_cell(_KEEP)
        try:
            for name, form in VARIABLE_FORMS.items():
                with recorder.probe(name) as set_detail:
                    set_detail(
                        _check_form(session, form, form.at_root if base == "/" else form.below)
                    )
        finally:
            session.kernel.run_cell(_RESTORE)


def _check_form(session: NotebookSession, form: VariableForm, expected: VariableEffect) -> str:
    """Set the variable, show TensorBoard, and check what the frame loads."""
    base, free = urlsplit(session.site.url).path, find_port_from_kernel(session)
    known = {"{base}": base, "{origin}": session.site.origin, "{free}": str(free)}
    value = _expand_value(session, form, known)
    code = f"os.environ.pop({PROXY_URL_VARIABLE!r}, None)"
    session.kernel.run_cell(
        code if value is None else f"os.environ[{PROXY_URL_VARIABLE!r}] = {value!r}"
    )
    if not form.arguments:
        execution, info = (
            session.kernel.run_cell(session.run.show_cell, timeout=TENSORBOARD_START_TIMEOUT),
            read_info_files(session.kernel)[-1],
        )
        return _check_effect(session, execution, info.port, expected)
    # launch_tensorboard adds the first 13 characters, `%tensorboard `, itself.
    execution, info = launch_tensorboard(
        session, f"{session.run.show_cell[13:]} {_fill_placeholders(form.arguments, known)}"
    )
    try:
        return _check_effect(session, execution, info.port, expected)
    finally:
        stop_tensorboard(session, info)


def _expand_value(
    session: NotebookSession, form: VariableForm, known: dict[str, str]
) -> str | None:
    if form.value is None:
        return None
    if form.expanded is None:
        return _fill_placeholders(form.value, known)
    (prefix,) = form.expanded
    setting = (
        {} if prefix is None else {"JUPYTERHUB_SERVICE_PREFIX": _fill_placeholders(prefix, known)}
    )
    code = _EXPAND.replace("SET", repr(setting)).replace("VALUE", form.value)
    return str(session.kernel.evaluate_json(code))


def _fill_placeholders(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def _check_effect(
    session: NotebookSession, execution: CellExecution, port: int, expected: VariableEffect
) -> str:
    frame = expect_one_frame(execution, session.page_url)
    seen = determine_effect(session, frame.address, port)
    if seen != expected:
        raise ProbeFailure(f"the frame loads {frame.address}: {seen}, not {expected}")
    return f"{frame.address}: {seen}"


def determine_effect(session: NotebookSession, address: str, port: int) -> str:
    """Determine what a user sees in a frame that loads that address.

    Returns:
        A `VariableEffect`, or a description of anything else.
    """
    page = urlsplit(session.page_url)
    if address in (f"{page.scheme}://{page.hostname}:{port}/", f"http://localhost:{port}/"):
        return VariableEffect.AS_UNSET
    try:
        response = session.client.send_request(address, follow=True)
    except BarredOriginError:
        return "another origin"
    known = {404: VariableEffect.NOT_FOUND, 500: VariableEffect.NOBODY}
    if response.status != 200 or b"<title>TensorBoard</title>" not in response.body:
        return known.get(response.status, f"{response.status} and no TensorBoard")
    return _determine_page_effect(session, response)


def _determine_page_effect(session: NotebookSession, response: JupyterResponse) -> str:
    try:
        # Request a path relative to the page, as the page itself does.
        listing = TensorBoardClient(session.client, response.url).get_json("/data/plugins_listing")
    except (ProbeFailure, requests.RequestException) as error:
        return f"the page alone: {error}"
    return VariableEffect.WORKS if "scalars" in listing else "a page without plugins"
