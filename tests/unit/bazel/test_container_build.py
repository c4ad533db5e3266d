"""What a container hands over, read in any pieces."""

from __future__ import annotations

import io
import tarfile

from hypothesis import given
from hypothesis import strategies as st

from builder.bazel.container_build import read_tar_files


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True), st.binary()))
def test_any_archive_is_read_in_any_pieces(files: dict[str, bytes]) -> None:
    """An archive of files comes back as it was, wherever the engine cuts it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"dist/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    data = packed.getvalue()
    assert read_tar_files(iter([data[i : i + 700] for i in range(0, len(data), 700)])) == files
