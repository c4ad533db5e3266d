"""Certificates of a private authority, as a closed network has, made anew for each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


class Authority:
    """An authority, and a server at one address that it vouches for."""

    def __init__(self, address: str) -> None:
        self.ca = trustme.CA()
        self._server = self.ca.issue_cert(address)

    @property
    def pem(self) -> bytes:
        """The authority's certificate."""
        return self.ca.cert_pem.bytes()

    def write(self, path: Path) -> Path:
        """Write the server's key and certificate, for a server; returns the path."""
        self._server.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path
