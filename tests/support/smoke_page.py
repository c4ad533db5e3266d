"""A tiny server that looks like Jupyter's classic front end and TensorBoard, with defects at will.

It has what the browser's probes touch and nothing else: a login form, a notebook whose last cell
shows a frame, a saved notebook that is trusted or not, and TensorBoard's page behind a prefix.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from builder.smoke.model import WheelUnderTest
from builder.system.redact import Secret

if TYPE_CHECKING:
    import ssl
    from types import TracebackType
    from typing import Self

TOKEN = "canary-token-93c1d7"
SECRET = Secret(TOKEN)
# What is found installed, where no wheel of ours is.
INSTALLED = WheelUnderTest(None, "2.2.1", "2.2.1")
COOKIE = "canary-cookie-77b0aa"
CANARY = "canary-0123abcd"
PATH = "smoke/smoke.ipynb"

_LOGIN = '<form action="/login" method="post"><input type="password" name="password"></form>'
_NOTEBOOK = """<!doctype html><title>classic</title><link rel="icon" href="data:,">
<body data-token="TOKEN"><div id="notebook"></div>
<script>
const defect = DEFECT, saved = SAVED;
const cells = [{cell_type: 'code', source: 'print(1)', outputs: [], execution_count: null},
               {cell_type: 'code', source: '%tensorboard', outputs: [], execution_count: null}];
let count = 0;
function draw(trusted) {
  const root = document.getElementById('notebook');
  root.innerHTML = '<div class="cell"><div class="output">1 step</div></div>';
  if (!trusted) return;
  const cell = document.createElement('div');
  cell.className = 'cell';
  const src = defect === 'direct' ? 'http://' + location.hostname + ':1/' : '/proxy/6006/';
  const frame = '<iframe width="900" height="500" src="' + src + '"></iframe>';
  cell.innerHTML = '<div class="output">' + (defect === 'notice' ? 'Launching TensorBoard...' : '')
    + frame + (defect === 'two frames' ? frame : '') + '</div>';
  root.append(cell);
}
function run() {
  for (const cell of cells) cell.execution_count = ++count;
  if (defect === 'cell error')
    cells[0].outputs = [{output_type: 'error', ename: 'ValueError', evalue: 'no'}];
  draw(true);
  if (defect === 'slow answer') fetch('/slow');
}
window.Jupyter = {notebook: {
  _fully_loaded: true, notebook_path: PATH, kernel_busy: defect === 'busy kernel',
  kernel: {is_connected: () => true, info_reply: {protocol_version: '5.3'}},
  events: {trigger() {}},
  get_cells: () => cells.map(cell => ({toJSON: () => cell})),
  clear_all_output() { for (const cell of cells) cell.execution_count = null; },
  execute_all_cells: run, execute_cells: run,
  save_notebook: () => fetch('/save', {method: 'POST'}),
}};
if (saved) draw(saved === 'trusted' ? defect !== 'output lost' : defect === 'untrusted shown');
if (saved === 'changed' && defect === 'untrusted shown late') setTimeout(() => draw(true), 200);
</script>"""
_TENSORBOARD = """<!doctype html><title>TensorBoard</title><body>
<style>@font-face { font-family: R; src: url(/font-FONT/Roboto.woff2); }
h1 { font-family: R; }</style>
<h1>TensorBoard</h1><div id="tag"></div><div id="card"></div>
<script src="index.js"></script>"""
_SCRIPT = """
const defect = DEFECT;
const ask = async path => (await fetch(path)).text();
(async () => {
  if (defect !== 'listing not asked for') await ask('data/plugins_listing');
  const tag = JSON.parse(await ask('data/plugin/scalars/scalars')).tag;
  const shadow = document.getElementById('tag').attachShadow({mode: 'open'});
  shadow.innerHTML = '<p>' + (defect === 'no tag' ? 'loss' : tag) + '</p>';
  const chart = document.createElement('vz-line-chart2');
  chart.style = 'display: ' + (defect === 'hidden chart' ? 'none' : 'block') + '; height: 200px';
  const colour = defect === 'no curve' ? '#888' : '#f70';
  chart.attachShadow({mode: 'open'}).innerHTML = '<svg width="300" height="200"><path d="M0 0 L300'
    + ' 200" stroke="' + colour + '" stroke-width="2" /></svg>';
  if (defect === 'foreign') await fetch('http://tracker.example/pixel').catch(() => 0);
  if (defect === 'stray') await ask('/data/environment');
  if (defect === 'error') console.error('something is wrong');
  if (defect === 'uncaught') setTimeout(() => { throw new Error('nobody caught this'); });
  if (defect === 'no worker') await new Promise(over => {
    new Worker('missing_worker.js').onerror = over;
  });
  setTimeout(() => document.getElementById('card').append(chart), 50);
})();
"""


class Imitation:
    """The server, on a loopback port of its own, while the block lasts.

    Args:
        defect: what is wrong with it; none of the scripts' names means nothing.
        form: whether it has a login form; a Hub's servers have none.
        tls: makes it speak TLS.

    Attributes:
        asked: the requests, in order: method, path, and what they say of who asks.
    """

    def __init__(
        self, defect: str, *, form: bool = True, tls: ssl.SSLContext | None = None
    ) -> None:
        self.defect = defect
        self.form = form
        self.saved = ""
        self.asked: list[tuple[str, str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str) -> tuple[int, str, str]:
        """Status, content type and body for whoever is let in."""
        if path == f"/api/contents/{PATH}":
            if method == "PUT":
                self.saved = "changed"
            return 200, "application/json", json.dumps({"content": {"metadata": {}, "cells": []}})
        if path == "/slow":
            time.sleep(2)
        if path == "/save":
            self.saved = "trusted"
        if path == "/proxy/6006/data/plugins_listing" and self.defect == "no listing":
            return 500, "text/plain", "no"
        font = "other" if self.defect == "other font" else "roboto"
        named = {"DEFECT": json.dumps(self.defect), "SAVED": json.dumps(self.saved)}
        named |= {"PATH": json.dumps(PATH), "TOKEN": TOKEN, "FONT": font}
        pages = {
            "/api": ("application/json", "{}"),
            "/api/status": ("application/json", "{}"),
            "/save": ("application/json", "{}"),
            "/slow": ("application/json", "{}"),
            "/data/environment": ("application/json", "{}"),
            f"/nbclassic/notebooks/{PATH}": ("text/html", _NOTEBOOK),
            "/proxy/6006/": ("text/html", _TENSORBOARD),
            "/proxy/6006/index.js": ("text/javascript", _SCRIPT),
            "/proxy/6006/data/plugins_listing": ("application/json", "{}"),
            "/proxy/6006/data/plugin/scalars/scalars": (
                "application/json",
                json.dumps({"tag": CANARY}),
            ),
        }
        if path not in pages:
            return 404, "text/plain", "not here"
        kind, text = pages[path]
        for name, value in named.items():
            text = text.replace(name, value) if kind.startswith("text/") else text
        return 200, kind, text

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        imitation = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                who = self.headers.get("Authorization", "")
                imitation.asked.append((self.command, path, who))
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                known = COOKIE in self.headers.get("Cookie", "") or TOKEN in who
                if path == "/login" and imitation.form:
                    right = parse_qs(body.decode()).get("password") == [TOKEN]
                    if self.command == "POST" and right and imitation.defect != "no entry":
                        cookie = f"session={COOKIE}; HttpOnly"
                        self._send(302, "text/plain", "", Location="/api", **{"Set-Cookie": cookie})
                    else:
                        self._send(200, "text/html", _LOGIN)
                elif known:
                    self._send(*imitation.answer(self.command, path))
                else:
                    self._send(403, "text/plain", "who are you?")

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names of http.server

            def _send(self, status: int, kind: str, text: str, **headers: str) -> None:
                data = text.encode()
                self.send_response(status)
                for name, value in {"Content-Type": kind, **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                del format, args

        return Handler
