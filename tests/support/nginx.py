"""A real nginx as Bazel's remote cache: WebDAV's PUT and GET are all that it takes."""

from __future__ import annotations

import ipaddress
import os
import shutil
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

from builder.system import command
from builder.system.ports import find_free_port
from builder.system.waiting import wait_for
from tests.support.engines import engine
from tests.support.needs import lacking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CONFIGURATION = """\
daemon off;
pid {workdir}/pid;
error_log {workdir}/error.log;
events {{}}
http {{
  access_log {workdir}/access.log;
  client_body_temp_path {workdir}/body;
  client_max_body_size 0;
  server {{
    listen {address}:{port};
    root {workdir}/cache;
    location / {{
      dav_methods PUT;
      create_full_put_path on;
    }}
  }}
}}
"""


def gateway() -> str:
    """The address of this machine as containers of the default network see it."""
    settings = engine().client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    # An engine that was not told of another takes the first address of its subnet.
    first = next(ipaddress.ip_network(settings["Subnet"]).hosts())
    return str(settings.get("Gateway") or first)


@contextmanager
def remote_cache(workdir: Path) -> Iterator[tuple[str, Path]]:
    """A cache for as long as the block lasts: its address inside containers, its access log."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        lacking("there is no nginx: apt-get install nginx-light")
    address, port = gateway(), find_free_port()
    (workdir / "cache").mkdir(parents=True)
    workdir.chmod(0o755)
    text = _CONFIGURATION.format(workdir=workdir, address=address, port=port)
    if os.geteuid() == 0:
        text = f"user root;\n{text}"
    (workdir / "nginx.conf").write_text(text)
    url = f"http://{address}:{port}"

    def up() -> bool | None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            return None
        return True

    with command.run_in_background(
        [program, "-c", str(workdir / "nginx.conf")], log=workdir / "log"
    ):
        assert wait_for(up, 20), (workdir / "log").read_text()
        yield url, workdir / "access.log"
