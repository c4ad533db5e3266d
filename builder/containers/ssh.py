"""Reach an engine over ssh as Docker's own client does: by the system's ssh.

docker-py's own implementation needs paramiko even if it runs the system's ssh, and then has no
time-out. Here a local socket forwards each connection to the engine's socket.
"""

from __future__ import annotations

import re
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import EngineError
from builder.system import command
from builder.system.addresses import mask_address

if TYPE_CHECKING:
    import subprocess

# No prompts, as nobody can answer them; the time-out is that of Docker's own client, in seconds.
_SSH_COMMAND = ("ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30")
_ADDRESS = re.compile(
    r"ssh://(?:[^\s:/?#@\[\]]+@)?(?:\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(?::[0-9]+)?(?:/[^\s?#@]*)?"
)
_REMOTE_COMMAND = "docker system dial-stdio"


class SshTunnel:
    """A local socket that forwards each connection to another machine's engine, by its own ssh.

    Args:
        address: `ssh://user@host:port`, as ssh(1) accepts it.

    Raises:
        EngineError: ssh is not installed, or the address contains a password.
    """

    def __init__(self, address: str) -> None:
        if not _ADDRESS.fullmatch(address):
            raise EngineError(
                "the engine's address is malformed, or holds a password, which ssh would show to "
                "everybody here",
                "name ssh://user@host:port, and let ssh in by a key: ssh-agent(1)",
            )
        if command.find_program("ssh") is None:
            raise EngineError(
                f"ssh is not installed, and the engine is at {mask_address(address)}",
                "install OpenSSH's client, or name another engine: DOCKER_HOST",
            )
        self._words = [*_SSH_COMMAND, "--", address, _REMOTE_COMMAND]
        self._workdir = tempfile.TemporaryDirectory(prefix="engine-")
        self._path = Path(self._workdir.name) / "engine.sock"
        self._log = Path(self._workdir.name) / "ssh.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._closing = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._accept_connections, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL of the local socket, for docker-py."""
        return f"unix://{self._path}"

    def read_last_error(self) -> str:
        """Read the last line of ssh's standard error, or ""."""
        log_text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return next((line.strip() for line in reversed(log_text.splitlines()) if line.strip()), "")

    def close(self) -> None:
        """End all connections."""
        self._closing = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for process in self._processes:
            command.stop_process_group(process)
        self._workdir.cleanup()

    def _accept_connections(self) -> None:
        while not self._closing:
            self._processes = [p for p in self._processes if p.poll() is None]
            try:
                connection, _ = self._listener.accept()
                with connection:
                    process = command.start_command_on_socket(
                        self._words, over=connection.fileno(), log=self._log
                    )
            except OSError as error:  # closed; or ssh did not start, which ends only this one
                with suppress(OSError), self._log.open("a") as sink:
                    sink.write(f"{error}\n")
            else:
                self._processes.append(process)
