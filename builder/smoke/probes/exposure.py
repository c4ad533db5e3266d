"""The layer `only`: TensorBoard can be reached through Jupyter's port and no other way.

Each refusal has its positive control.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.version import Version

from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from builder.smoke.model import JupyterSite, ServerAccess
    from builder.smoke.results.recorder import ProbeRecorder

# In /proc/net/tcp and /proc/net/tcp6 (proc(5)): 127.0.0.1 and ::1, and the state TCP_LISTEN.
_LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
_LISTEN = "0A"
# Measured: by default 1.15.0 listens on every address, 2.0.0 on the loopback.
_LOOPBACK_SINCE = Version("2.0")


def run_exposure_probes(site: JupyterSite, port: int, recorder: ProbeRecorder) -> None:
    """Run the probes of the layer `only`, while TensorBoard listens on that port inside."""
    _check_anonymous(site, port, recorder)
    if site.access is None:
        for name in ("published-ports", "loopback-only", "neighbour-refused"):
            recorder.skip_probe(name, "nobody here can look behind the port of this deployment")
        return
    _check_published_ports(site.access, site.deployment.port, recorder)
    run_loopback_probes(site, site.access, port, recorder)


def run_loopback_probes(
    site: JupyterSite, access: ServerAccess, port: int, recorder: ProbeRecorder
) -> None:
    """Check that TensorBoard's own port is reachable from the loopback only.

    Releases that listen on every address by default are skipped.
    """
    if Version(site.wheel.release) < _LOOPBACK_SINCE:
        for name in ("loopback-only", "neighbour-refused"):
            recorder.skip_probe(
                name, f"{site.wheel.release} listens on every address unless told otherwise"
            )
        return
    with recorder.probe("loopback-only") as set_detail:
        set_detail(_check_loopback_listener(access, port))
    _check_neighbours(access, port, site.deployment.port, recorder)


def _check_published_ports(access: ServerAccess, own: int, recorder: ProbeRecorder) -> None:
    ports = access.published_ports()
    if ports is None:
        recorder.skip_probe("published-ports", "this engine publishes no ports")
        return
    with recorder.probe("published-ports") as set_detail:
        if set(ports) != {own}:
            raise ProbeFailure(f"published are {sorted(ports)}, not {own} alone")
        set_detail(f"{own} alone")


def _check_neighbours(access: ServerAccess, port: int, own: int, recorder: ProbeRecorder) -> None:
    refused = access.check_reachable(port)
    if not refused:
        recorder.skip_probe("neighbour-refused", "nothing separates this deployment from its host")
        return
    with recorder.probe("neighbour-refused") as set_detail:
        control = access.check_reachable(own)
        open_to = [who for who, connected in refused.items() if connected]
        if open_to:
            raise ProbeFailure(f"TensorBoard's port {port} answers {' and '.join(open_to)}")
        unreachable = [who for who, connected in control.items() if not connected]
        if unreachable:
            raise ProbeFailure(
                f"the control failed: Jupyter does not answer {' and '.join(unreachable)}"
            )
        set_detail(f"{' and '.join(refused)}: {port} refused, Jupyter's {own} answers")


def _check_anonymous(site: JupyterSite, port: int, recorder: ProbeRecorder) -> None:
    page = site.build_proxy_url(port)
    with (
        recorder.probe("anonymous-refused") as set_detail,
        closing(JupyterClient.for_site(site)) as client,
    ):
        got = client.send_request(page)
        location = urlsplit(got.headers.get("Location", "")).path
        # A Hub's servers redirect strangers to its OAuth page, which redirects to its form.
        login = got.status == 302 and location.endswith(("/login", "/hub/api/oauth2/authorize"))
        if not login and got.status != 403:
            raise ProbeFailure(f"GET without a login answers {got.status}")
        sent = client.send_request(page, "{}")
        if sent.status not in {302, 403}:
            raise ProbeFailure(f"POST without a login answers {sent.status}")
        with closing(JupyterClient.for_site(site, site.token)) as token_client:
            control = token_client.send_request(page, follow=True).status
        if control != 200:
            raise ProbeFailure(f"the control failed: with the token, GET is {control}")
        set_detail(f"GET {got.status}, POST {sent.status}; with the token 200")


def _check_loopback_listener(access: ServerAccess, port: int) -> str:
    """Check in the kernel's own table of sockets on which addresses the port listens.

    The table is /proc/net/tcp (proc(5)).

    Raises:
        ProbeFailure: the port listens on another address than the loopback, or not at all.
    """
    code, table = access.run_command(["cat", "/proc/net/tcp", "/proc/net/tcp6"])
    if code and not table:
        raise ProbeFailure("the table of sockets cannot be read")
    addresses = parse_listeners(table).get(port, set())
    if not addresses:
        raise ProbeFailure(f"nothing listens on {port}")
    if not addresses <= _LOOPBACK:
        raise ProbeFailure(f"port {port} listens on {', '.join(sorted(addresses - _LOOPBACK))}")
    return f"{port} on the loopback"


def parse_listeners(table: str) -> dict[int, set[str]]:
    """Map port → addresses of all listening sockets in a table such as /proc/net/tcp.

    The addresses are in the kernel's hexadecimal form.
    """
    found: dict[int, set[str]] = {}
    for line in table.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTEN and ":" in words[1]:
            address, _, port = words[1].partition(":")
            found.setdefault(int(port, 16), set()).add(address)
    return found
