"""Evidence of a browser session: picture, trace and logs, without secrets, each by one rename."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from builder.system.files import make_temporary_directory
from builder.system.redact import redact_bytes

if TYPE_CHECKING:
    from collections.abc import Collection

    from playwright.sync_api import BrowserContext, Page

    from builder.system.redact import Secret

# Longest cookie that is no secret: such cookies are settings such as a language, and their text is
# everywhere.
_SHORT = 7
# Hides notifications, which pop up over the notebook.
_TIDY = ".Toastify, .jp-toast-container { display: none !important; }"


def list_session_secrets(context: BrowserContext, token: Secret) -> tuple[str, ...]:
    """List the secrets of a session: the token, and the cookies that it was exchanged for."""
    values = (cookie.get("value", "").strip('"') for cookie in context.cookies())
    return (*token.list_spellings(), *(value for value in values if len(value) > _SHORT))


def redact_trace(archive: bytes, hidden: Collection[str]) -> bytes:
    """Remove the secrets from all members of a Playwright trace, which is a ZIP file."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for member in old.infolist():
            new.writestr(member.filename, redact_bytes(old.read(member), hidden))
    return out.getvalue()


def take_screenshot(page: Page) -> bytes:
    """Take a PNG of the viewport."""
    return page.screenshot(style=_TIDY, timeout=20_000)


def start_trace(context: BrowserContext) -> None:
    """Start a trace of actions, requests, and snapshots of the page.

    A film (`screenshots`) would cost each session three seconds of a core; snapshots show as much.
    """
    context.tracing.start(screenshots=False, snapshots=True)


def stop_trace(context: BrowserContext, hidden: Collection[str]) -> bytes:
    """Stop the trace, and return it as a ZIP file without the secrets."""
    with make_temporary_directory("tensorboard-wheels-trace-") as workdir:
        path = workdir / "trace.zip"
        context.tracing.stop(path=path)
        return redact_trace(path.read_bytes(), hidden)
