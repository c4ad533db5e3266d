"""The two users of the Hub's isolation probes, and the attempts that they make."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from builder.smoke.hub.access_attempts import (
    AccessComparison,
    AttemptResult,
    UserTensorBoard,
    try_access,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.smoke.hub.hub_user import HubUser
    from builder.smoke.hub.site import Hub
    from builder.smoke.jupyter.http_client import JupyterClient
    from builder.smoke.jupyter.notebook_session import NotebookSession


class IsolationUsers(msgspec.Struct, frozen=True):
    """Alice, who has a TensorBoard, and Bob, who has none."""

    hub: Hub
    alice: HubUser
    bob: HubUser
    session: NotebookSession
    target: UserTensorBoard

    def build_proxy_url(self, hub_user: HubUser) -> str:
        """Build the address of Alice's TensorBoard in the proxy of a user's server."""
        return f"{hub_user.server_url()}proxy/{self.target.port}/"

    @property
    def redirect_url(self) -> str:
        """The address that leads to each user's own server."""
        return f"{self.hub.root}hub/user-redirect/proxy/{self.target.port}/"

    def try_with_client(
        self, client: JupyterClient, address: str, query: str = ""
    ) -> AttemptResult:
        """Make one attempt, and close the client afterwards."""
        with closing(client):
            return try_access(client, address, self.target, query)

    def compare_access(
        self, name: str, address: Callable[[HubUser], str], *, token: bool = False
    ) -> AccessComparison:
        """Make the same attempt as Alice and as Bob, with a session or with a token.

        Args:
            name: of the attempt, in the report.
            address: gives the address that a user requests.
            token: whether they send their API token instead of their session's cookies.
        """
        seen = [
            self.try_with_client(
                hub_user.connect_by_token() if token else hub_user.connect_by_session(),
                address(hub_user),
            )
            for hub_user in (self.alice, self.bob)
        ]
        return AccessComparison(f"{name} by {'token' if token else 'session'}", *seen)
