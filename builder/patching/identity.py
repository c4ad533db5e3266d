"""Name the final wheel, and edit its METADATA and WHEEL to match.

`test`: another distribution name, as for TestPyPI; the import package stays `tensorboard`.
`local`: the same name with a PEP 440 local version, for private indexes, so that requirements on
`tensorboard` stay satisfied and no two distributions install the same package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from builder.errors import RequestError, WheelError
from builder.model import PACKAGE, Identity, IdentityKind
from builder.wheel import metadata, names
from builder.wheel.names import WheelName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.wheel.metadata import MetadataDocument

TEST_SUMMARY = "For testing only"
TEST_AUTHOR = "For testing only"
TEST_EMAIL = "none@none.com"


class WheelNaming(msgspec.Struct, frozen=True):
    """How the user wants final wheels to be named; validated on construction.

    Attributes:
        kind: which of the two identities.
        name: the distribution name of the `test` identity.
        local_label: the label after the `+` of the `local` identity.
        build_tag: PEP 427 build tag, or None.

    Raises:
        RequestError: a part is malformed, or the test name is the official one.
    """

    kind: IdentityKind
    name: str
    local_label: str = ""
    build_tag: str | None = None

    def __post_init__(self) -> None:
        if self.build_tag is not None:
            names.check_build_tag(self.build_tag)
        if self.kind is IdentityKind.LOCAL:
            names.check_local_label(self.local_label)
        elif names.normalize_name(self.name) == PACKAGE:
            raise RequestError(
                f"a test wheel cannot be called {self.name}: that is the official distribution's "
                "name",
                "choose another --name, or --identity local, which adds a local version",
            )

    def make_identity(self, version: str) -> Identity:
        """Make the name and version of the final wheel of an upstream version."""
        if self.kind is IdentityKind.LOCAL:
            version = names.make_local_version(version, self.local_label)
            return Identity(self.kind, PACKAGE, version, self.build_tag)
        return Identity(self.kind, self.name, version, self.build_tag)


def make_wheel_name(identity: Identity, tag: str = "py3-none-any") -> WheelName:
    """Make the file name of the final wheel; `tag` is the stock wheel's."""
    return WheelName(names.escape_name(identity.name), identity.version, identity.build_tag, tag)


def edit_metadata(document: MetadataDocument, identity: Identity, notice: str) -> MetadataDocument:
    """Edit METADATA for this identity.

    Only the lines that must differ are changed: Name and Version, and for a test identity also
    Summary, Author and Author-email. The description keeps its bytes; `notice`, which `make_notice`
    makes, is appended to it.

    Raises:
        WheelError: METADATA does not have exactly one Name and one Version.
    """
    if len(document.get_values("Name")) != 1 or len(document.get_values("Version")) != 1:
        raise WheelError(
            "the stock METADATA has not just one Name and one Version",
            "it is no METADATA that can be edited safely; look at the stock wheel",
        )
    headers = {"Name": identity.name, "Version": identity.version}
    if identity.kind is IdentityKind.TEST:
        headers |= {"Summary": TEST_SUMMARY, "Author": TEST_AUTHOR, "Author-email": TEST_EMAIL}
    for name, value in headers.items():
        if document.get_values(name) != [value]:
            document = metadata.replace_header(document, name, value)
    return metadata.append_description(document, notice)


def edit_wheel_metadata(content: bytes, identity: Identity) -> bytes:
    """Edit the WHEEL file for this identity: set `Build:` if it has a build tag (PEP 427)."""
    if identity.build_tag is None:
        return content
    document = metadata.parse_metadata(content)
    return metadata.replace_header(document, "Build", identity.build_tag).to_bytes()


def make_notice(
    identity: Identity, upstream_version: str, series: Sequence[str], commits: Sequence[str] = ()
) -> str:
    """Make the paragraph for the end of the description: what this wheel is and how to install it.

    Args:
        identity: the identity of the final wheel.
        upstream_version: the release that it was made from.
        series: the series that changed something.
        commits: the full ids of the cherry-picked commits.
    """
    parts = []
    if commits:
        parts.append(f"with the cherry-picked commit{'s'[: len(commits) > 1]} {', '.join(commits)}")
    if series:
        parts.append(f"with the patch series {', '.join(series)}")
    what = " and ".join(parts) or "without any patch"
    if identity.kind is IdentityKind.TEST:
        advice = (
            "It is for testing only. It installs the same import package ``tensorboard`` as the\n"
            "official distribution: uninstall that one first, never keep both."
        )
    else:
        advice = "It takes the place of the official distribution of the same version."
    return (
        f"This is {identity.name} {identity.version}: TensorBoard {upstream_version} "
        f"{what},\nmade by tensorboard-proxy-wheels. {advice}"
    )
