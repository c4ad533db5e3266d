"""The proof of "only": TensorBoard is reached through Jupyter's port; each no has its yes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.version import Version

from builder.smoke.jupyter.web import Web
from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from builder.smoke.model import Inside, Site
    from builder.smoke.results.recorder import Recorder

_LOOPBACK = {"0100007F", "00000000000000000000000001000000"}
_LISTEN = "0A"
# Measured: 1.15.0 listens on every address unless told otherwise, 2.0.0 on the loopback.
_LOOPBACK_SINCE = Version("2.0")


def walk(site: Site, port: int, record: Recorder) -> None:
    """The probes of the layer `only`, while TensorBoard listens on that port inside."""
    _anonymous(site, port, record)
    if site.inside is None:
        for name in ("published-ports", "loopback-only", "neighbour-refused"):
            record.skip(name, "nobody here can look behind the port of this deployment")
        return
    _published(site.inside, site.deployment.port, record)
    barred(site, site.inside, port, record)


def barred(site: Site, inside: Inside, port: int, record: Recorder) -> None:
    """TensorBoard's own port is for the loopback, where the release keeps to it by itself."""
    if Version(site.release) < _LOOPBACK_SINCE:
        for name in ("loopback-only", "neighbour-refused"):
            record.skip(name, f"{site.release} listens on every address unless told otherwise")
        return
    with record.probe("loopback-only") as told:
        told(_listens_on_loopback(inside, port))
    _neighbours(inside, port, site.deployment.port, record)


def _published(inside: Inside, own: int, record: Recorder) -> None:
    ports = inside.published()
    if ports is None:
        record.skip("published-ports", "this engine publishes no ports")
        return
    with record.probe("published-ports") as told:
        if set(ports) != {own}:
            raise ProbeFailure(f"published are {sorted(ports)}, not {own} alone")
        told(f"{own} alone")


def _neighbours(inside: Inside, port: int, own: int, record: Recorder) -> None:
    refused = inside.reachable(port)
    if not refused:
        record.skip("neighbour-refused", "nothing separates this deployment from its host")
        return
    with record.probe("neighbour-refused") as told:
        control = inside.reachable(own)
        open_to = [who for who, connected in refused.items() if connected]
        if open_to:
            raise ProbeFailure(f"TensorBoard's port {port} answers {' and '.join(open_to)}")
        deaf = [who for who, connected in control.items() if not connected]
        if deaf:
            raise ProbeFailure(f"the control failed: Jupyter does not answer {' and '.join(deaf)}")
        told(f"{' and '.join(refused)}: {port} refused, Jupyter's {own} answers")


def _anonymous(site: Site, port: int, record: Recorder) -> None:
    page = site.proxied(port)
    with record.probe("anonymous-refused") as told, closing(Web.to(site)) as web:
        got = web.ask(page)
        where = urlsplit(got.headers.get("Location", "")).path
        # A Hub's servers send strangers to its OAuth page, which sends them to its form.
        login = got.status == 302 and where.endswith(("/login", "/hub/api/oauth2/authorize"))
        if not login and got.status != 403:
            raise ProbeFailure(f"GET without a login answers {got.status}")
        sent = web.ask(page, "{}")
        if sent.status not in {302, 403}:
            raise ProbeFailure(f"POST without a login answers {sent.status}")
        with closing(Web.to(site, site.token)) as known:
            control = known.ask(page, follow=True).status
        if control != 200:
            raise ProbeFailure(f"the control failed: with the token, GET is {control}")
        told(f"GET {got.status}, POST {sent.status}; with the token 200")


def _listens_on_loopback(inside: Inside, port: int) -> str:
    """Read from the kernel's own table (proc(5), /proc/net/tcp) who listens where.

    Raises:
        ProbeFailure: the port listens on another address than the loopback, or not at all.
    """
    code, table = inside.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"])
    if code and not table:
        raise ProbeFailure("the table of sockets cannot be read")
    addresses = listeners(table).get(port, set())
    if not addresses:
        raise ProbeFailure(f"nothing listens on {port}")
    if not addresses <= _LOOPBACK:
        raise ProbeFailure(f"port {port} listens on {', '.join(sorted(addresses - _LOOPBACK))}")
    return f"{port} on the loopback"


def listeners(table: str) -> dict[int, set[str]]:
    """Port → addresses, in the kernel's hexadecimal, of all listening sockets in that table."""
    found: dict[int, set[str]] = {}
    for line in table.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTEN and ":" in words[1]:
            address, _, port = words[1].partition(":")
            found.setdefault(int(port, 16), set()).add(address)
    return found
