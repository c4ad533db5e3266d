"""Wheel file names, and the names, versions and tags in them.

Rules: binary distribution format (in the file name and the dist-info directory, every run of `-_.`
in the project name becomes one `_`), name normalisation (PEP 503), versions (PEP 440), build tags
(PEP 427: begin with a digit).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from builder.errors import RequestError, WheelError

_BUILD_TAG = re.compile(r"[0-9][A-Za-z0-9_.]*")
_COMPONENT = re.compile(r"[A-Za-z0-9_.!+]+")


class WheelName(NamedTuple):
    """The parts of a wheel's file name, as they are written in it."""

    name: str
    version: str
    build_tag: str | None
    tag: str

    @property
    def filename(self) -> str:
        """The file name."""
        parts = [self.name, self.version, self.build_tag, self.tag]
        return "-".join(p for p in parts if p is not None) + ".whl"

    @property
    def dist_info(self) -> str:
        """The dist-info directory, which contains the wheel's metadata."""
        return f"{self.name}-{self.version}.dist-info"


def parse_wheel_filename(filename: str) -> WheelName:
    """Split a wheel's file name into its parts, without checking that they are normalised.

    Raises:
        WheelError: it does not have the form `name-version[-build]-python-abi-platform.whl`.
    """
    stem, dot, suffix = filename.rpartition(".")
    parts = stem.split("-")
    if suffix != "whl" or not dot or len(parts) not in (5, 6) or not all(parts):
        raise WheelError(
            f"{filename} is not named like a wheel",
            "a wheel is called name-version[-build]-python-abi-platform.whl",
        )
    build = parts[2] if len(parts) == 6 else None
    return WheelName(parts[0], parts[1], build, "-".join(parts[-3:]))


def normalize_name(name: str) -> str:
    """Normalise a name as indexes compare it (PEP 503), such as `tensorboard-tmp`.

    Raises:
        RequestError: it is not a valid distribution name.
    """
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise RequestError(
            f"{name!r} is not a valid distribution name",
            "use ASCII letters, digits, and single . _ - between them, such as tensorboardtmp",
        ) from error


def escape_name(name: str) -> str:
    """Spell a name as in file names and dist-info directories, such as `tensorboard_tmp`.

    Raises:
        RequestError: as `normalize_name`.
    """
    return normalize_name(name).replace("-", "_")


def check_build_tag(tag: str) -> str:
    """Return a build tag unchanged if it is valid.

    Raises:
        RequestError: it does not begin with a digit, or has characters that build tags must not
            have, such as `-`, which separates the parts of file names.
    """
    if not _BUILD_TAG.fullmatch(tag):
        raise RequestError(
            f"{tag!r} is not a build tag",
            "a build tag begins with a digit and has letters, digits, _ and . only, such as 1",
        )
    return tag


def check_local_label(label: str) -> str:
    """Return the label of a local version unchanged if it is valid.

    Raises:
        RequestError: it is not a PEP 440 local version label.
    """
    try:
        Version(f"0+{label}")
    except InvalidVersion as error:
        raise RequestError(
            f"{label!r} is not a local version label (PEP 440)",
            "use ASCII letters and digits with single dots between them, such as proxy.1",
        ) from error
    return label


def make_local_version(version: str, label: str) -> str:
    """Make a local version: `2.2.1` and `proxy.1` → `2.2.1+proxy.1` (PEP 440, normalised).

    Raises:
        RequestError: the label is not a PEP 440 local version label.
    """
    return str(Version(f"{Version(version).public}+{check_local_label(label)}"))


def is_normalized(name: WheelName) -> bool:
    """Whether the file name's parts are spelt as the specification requires."""
    try:
        spelt = escape_name(name.name) == name.name and str(Version(name.version)) == name.version
    except (RequestError, ValueError):  # int() refuses a number of some thousand digits
        return False
    return spelt and all(_COMPONENT.fullmatch(p) for p in name[:2])


def make_version_key(version: str) -> tuple[bool, Version, str]:
    """Make the key by which versions are sorted; what is no version comes last."""
    try:
        return False, Version(version), version
    except ValueError:  # int() refuses a number of some thousand digits
        return True, Version("0"), version
