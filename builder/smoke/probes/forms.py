"""The layer `forms`: what each form of the variable that is seen in the wild does.

A form is tried by setting the variable in the kernel, as TensorBoard reads it at each display.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import requests

from builder.smoke.jupyter.board import STARTS, Board, infos, launch, stop
from builder.smoke.jupyter.frame import one_frame
from builder.smoke.jupyter.web import BarredOriginError
from builder.smoke.model import VARIABLE, Effect, ProbeFailure
from builder.smoke.probes.ports import free_port

if TYPE_CHECKING:
    from builder.smoke.jupyter.messages import Execution
    from builder.smoke.jupyter.visit import Visit
    from builder.smoke.jupyter.web import Answer
    from builder.smoke.results.recorder import Recorder


class Form(NamedTuple):
    """A form of the variable.

    Attributes:
        value: of the variable, or None for unset; `{base}` is Jupyter's base URL, `{origin}` its
            origin, `{free}` a port that is not TensorBoard's.
        where: it is seen.
        at_root: its effect where the base URL is `/`.
        below: its effect where there is a prefix.
        expanded: by the shell that the kernel's environment comes from, with
            `JUPYTERHUB_SERVICE_PREFIX` set to this, or as it is there (None).
        arguments: more of them for `%tensorboard`; `{free}` is the port then.
    """

    value: str | None
    where: str
    at_root: Effect
    below: Effect
    expanded: tuple[str | None] | None = None
    arguments: str = ""


_STACKS = "${JUPYTERHUB_SERVICE_PREFIX:-/}proxy/%PORT%/"
_WORKS, _LOST = Effect.WORKS, Effect.NOT_FOUND

FORMS: dict[str, Form] = {
    "form-plain": Form("/proxy/%PORT%/", "JupyterLab, Notebook at `/`", _WORKS, _LOST),
    "form-docker-stacks": Form(_STACKS, "docker-stacks' images", _WORKS, _LOST, (None,)),
    "form-service-prefix": Form(
        _STACKS, "the same where the service prefix is set", _WORKS, _WORKS, ("{base}",)
    ),
    "form-base-url": Form("{base}proxy/%PORT%/", "a callable, from the base URL", _WORKS, _WORKS),
    "form-no-slash": Form("{base}proxy/%PORT%", "the last slash forgotten", _WORKS, _WORKS),
    "form-full-url": Form("{origin}{base}proxy/%PORT%/", "an HPC centre", _WORKS, _WORKS),
    "form-unset": Form(None, "nobody set it", Effect.AS_UNSET, Effect.AS_UNSET),
    "form-empty": Form("", "a callable without a server", Effect.AS_UNSET, Effect.AS_UNSET),
    "form-fixed-port": Form(
        "{base}proxy/{free}/", "TensorBoard moved on", Effect.NOBODY, Effect.NOBODY
    ),
    "form-wrong-prefix": Form("/nowhere/proxy/%PORT%/", "another user's", _LOST, _LOST),
    "form-user-redirect": Form(
        "/hub/user-redirect/proxy/%PORT%/", "a Hub's form without a Hub", _LOST, _LOST
    ),
    "form-absolute": Form("{base}proxy/absolute/%PORT%/", "the original README", _LOST, _LOST),
    "form-absolute-prefixed": Form(
        "{base}proxy/absolute/%PORT%/",
        "the same, and TensorBoard told of it",
        _WORKS,
        _WORKS,
        arguments="--port {free} --path_prefix {base}proxy/absolute/{free}",
    ),
}

_KEEP = f"import os\n_before = os.environ.get({VARIABLE!r})"
_RESTORE = f"""\
os.environ.pop({VARIABLE!r}, None)
if _before is not None:
    os.environ[{VARIABLE!r}] = _before"""
_EXPAND = """\
import json, os, subprocess
_environ = dict(os.environ, **SET)
_words = ["sh", "-c", 'printf %s "VALUE"']
_value = subprocess.run(_words, env=_environ, stdout=subprocess.PIPE, check=True).stdout.decode()
print(json.dumps(_value))"""


def rows() -> list[tuple[str, str, str, str]]:
    """The table for the docs: the form, where it is seen, its effects at `/` and below a prefix."""
    return [
        (
            ("unset" if form.value is None else f"`{form.value}`" if form.value else "empty")
            + (f" with `{form.arguments}`" if form.arguments else ""),
            form.where,
            form.at_root,
            form.below,
        )
        for form in FORMS.values()
    ]


def walk(visit: Visit, record: Recorder) -> None:
    """The layer `forms`."""
    with record.layer("forms"):
        with record.probe("forms-prepared", vital=True) as told:
            visit.prepare()
            one_frame(visit.kernel.run(visit.run.show, timeout=STARTS), visit.page)
            base = urlsplit(visit.site.url).path
            told(f"base URL {base}")
            visit.kernel.run(_KEEP)
        try:
            for name, form in FORMS.items():
                with record.probe(name) as told:
                    told(_try(visit, form, form.at_root if base == "/" else form.below))
        finally:
            visit.kernel.run(_RESTORE)


def _try(visit: Visit, form: Form, expected: Effect) -> str:
    """Set it, display, and see what the frame loads."""
    base, free = urlsplit(visit.site.url).path, free_port(visit)
    known = {"{base}": base, "{origin}": visit.site.origin, "{free}": str(free)}
    value = _expanded(visit, form, known)
    code = f"os.environ.pop({VARIABLE!r}, None)"
    visit.kernel.run(code if value is None else f"os.environ[{VARIABLE!r}] = {value!r}")
    if not form.arguments:
        done, info = visit.kernel.run(visit.run.show, timeout=STARTS), infos(visit.kernel)[-1]
        return _judge(visit, done, info.port, expected)
    done, info = launch(visit, f"{visit.run.show[13:]} {_filled(form.arguments, known)}")
    try:
        return _judge(visit, done, info.port, expected)
    finally:
        stop(visit, info)


def _expanded(visit: Visit, form: Form, known: dict[str, str]) -> str | None:
    if form.value is None:
        return None
    if form.expanded is None:
        return _filled(form.value, known)
    (prefix,) = form.expanded
    setting = {} if prefix is None else {"JUPYTERHUB_SERVICE_PREFIX": _filled(prefix, known)}
    code = _EXPAND.replace("SET", repr(setting)).replace("VALUE", form.value)
    return str(visit.kernel.value(code))


def _filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def _judge(visit: Visit, done: Execution, port: int, expected: Effect) -> str:
    frame = one_frame(done, visit.page)
    seen = effect(visit, frame.address, port)
    if seen != expected:
        raise ProbeFailure(f"the frame loads {frame.address}: {seen}, not {expected}")
    return f"{frame.address}: {seen}"


def effect(visit: Visit, address: str, port: int) -> str:
    """What a person sees in a frame that loads that address; an `Effect`, or what else it is."""
    page = urlsplit(visit.page)
    if address in (f"{page.scheme}://{page.hostname}:{port}/", f"http://localhost:{port}/"):
        return Effect.AS_UNSET
    try:
        answer = visit.web.ask(address, follow=True)
    except BarredOriginError:
        return "another origin"
    known = {404: Effect.NOT_FOUND, 500: Effect.NOBODY}
    if answer.status != 200 or b"<title>TensorBoard</title>" not in answer.body:
        return known.get(answer.status, f"{answer.status} and no TensorBoard")
    return _effect_of_page(visit, answer)


def _effect_of_page(visit: Visit, answer: Answer) -> str:
    try:
        # By a path relative to the page, as the page itself does.
        listing = Board(visit.web, answer.url).json("/data/plugins_listing")
    except (ProbeFailure, requests.RequestException) as error:
        return f"the page alone: {error}"
    return Effect.WORKS if "scalars" in listing else "a page without plugins"
