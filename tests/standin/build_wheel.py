"""Assembles TensorBoard's wheel from the files of the tree: RUNFILES OUTPUT TAG...

Does in short what upstream's `build_pip_package` does with setuptools: `__init__.py` files that
hold nothing but a licence become empty and missing ones are made, imports of vendored packages are
rewritten, RECORD is written.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import pathlib
import re
import sys
import zipfile

EPOCH = (2020, 1, 1, 0, 0, 0)
NAMES = rb"(bleach|tensorflow_serving)"
VENDORED = (
    (re.compile(rb"^import " + NAMES + rb"$", re.M), rb"from tensorboard._vendor import \1"),
    (re.compile(rb"^from " + NAMES + rb"\b", re.M), rb"from tensorboard._vendor.\1"),
)


def collect(root: pathlib.Path) -> dict[str, bytes]:
    """The wheel's members below `tensorboard/`, by path."""
    members = {}
    for top in (root / "tensorboard", root / "third_party" / "generated" / "tensorboard"):
        for path in sorted(top.rglob("*")):
            name = "tensorboard/" + path.relative_to(top).as_posix()
            if path.is_file() and not name.startswith("tensorboard/pip_package/"):
                members[name] = shipped(name, path.read_bytes())
    for name in list(members):
        if name.endswith(".py"):
            members.setdefault(name.rpartition("/")[0] + "/__init__.py", b"")
    return members


def shipped(name: str, content: bytes) -> bytes:
    """What the wheel has of a file."""
    if "/_vendor/" in name:
        return content
    if name.endswith("/__init__.py") and b"licence only" in content:
        return b""
    for pattern, vendored in VENDORED:
        content = pattern.sub(vendored, content)
    return content


def write(target: pathlib.Path, members: dict[str, bytes], dist_info: str) -> None:
    """Write the wheel, RECORD last."""
    rows = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as wheel:

        def add(name: str, content: bytes) -> None:
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = 0o100644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(info, content)

        for name, content in members.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            rows.append((name, "sha256=" + digest.decode(), len(content)))
            add(name, content)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*rows, (f"{dist_info}/RECORD", "", "")])
        add(f"{dist_info}/RECORD", text.getvalue().encode())


def main() -> None:
    """Write one wheel for each tag."""
    root, output, *tags = sys.argv[1:]
    own = pathlib.Path(root) / "tensorboard" / "pip_package" / "dist-info"
    about = {p.name: p.read_bytes() for p in sorted(own.iterdir())}
    (version,) = re.findall("^Version: (.+)$", about["METADATA"].decode(), re.MULTILINE)
    dist_info = f"tensorboard-{version}.dist-info"
    members = collect(pathlib.Path(root))
    for tag in tags:
        files = dict(about)
        files["WHEEL"] = (
            "Wheel-Version: 1.0\nGenerator: stand-in (1.0)\nRoot-Is-Purelib: true\n"
            f"Tag: {tag}-none-any\n\n"
        ).encode()
        every = {**members, **{f"{dist_info}/{name}": files[name] for name in files}}
        name = f"tensorboard-{version}-{tag}-none-any.whl"
        write(pathlib.Path(output) / name, every, dist_info)


if __name__ == "__main__":
    main()
