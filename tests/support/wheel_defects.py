"""Defects of names and contents: one thing wrong in an otherwise careful wheel.

Each function takes a good wheel and gives it back with a RECORD that is right for the outcome.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

from tests.support.forge import File, add, drop, edit, read, sealed, stored, substitute, write
from tests.support.zip_defects import MAIN, NOTEBOOK

FIRST = "tensorboard/__init__.py"
WEBFILES = "tensorboard/webfiles.zip"


# Names of the distribution.


def dist_info_not_renamed(file: File) -> File:
    """The dist-info directory has the official name."""
    return _moved(file, "tensorboard-2.2.1.dist-info/")


def name_not_renamed(file: File) -> File:
    """METADATA has the official name."""
    return substitute(file, "METADATA", b"Name: tensorboardtmp\n", b"Name: tensorboard\n")


def hyphen_in_file_name(file: File) -> File:
    """A name with a hyphen stands unescaped in the file name and the dist-info directory."""
    moved = _moved(file, "tensorboard-tmp-2.2.1.dist-info/")
    return moved._replace(filename="tensorboard-tmp-2.2.1-py3-none-any.whl")


def capitals_in_file_name(file: File) -> File:
    """The file name has capitals, and the dist-info directory too."""
    moved = _moved(file, "TensorBoardTmp-2.2.1.dist-info/")
    return moved._replace(filename="TensorBoardTmp-2.2.1-py3-none-any.whl")


def no_wheel_name(file: File) -> File:
    """The file is not named like a wheel."""
    return file._replace(filename="tensorboardtmp.zip")


def malformed_build_tag(file: File) -> File:
    """The build tag in the file name does not begin with a digit; WHEEL says the same."""
    tagged = substitute(file, "WHEEL", b"Tag:", b"Build: x1\nTag:")
    return tagged._replace(filename="tensorboardtmp-2.2.1-x1-py3-none-any.whl")


def version_differs(file: File) -> File:
    """METADATA has another version than the file name."""
    return substitute(file, "METADATA", b"Version: 2.2.1\n", b"Version: 2.2.2\n")


def huge_version(file: File) -> File:
    """Version has more digits than Python makes a number of."""
    return substitute(file, "METADATA", b"Version: 2.2.1\n", b"Version: 2." + b"1" * 5000 + b"\n")


def official_name(file: File) -> File:
    """A wheel of ours takes the official name and version."""
    moved = _moved(file, "tensorboard-2.2.1.dist-info/")
    official = moved._replace(filename="tensorboard-2.2.1-py3-none-any.whl")
    return substitute(official, "METADATA", b"Name: tensorboardtmp\n", b"Name: tensorboard\n")


def two_dist_infos(file: File) -> File:
    """There is a second dist-info directory, for another distribution."""
    return add(file, stored(b"numpy-1.0.dist-info/METADATA", b"Name: numpy\nVersion: 1.0\n\n"))


def module_beside_the_package(file: File) -> File:
    """A module lies beside the package."""
    return add(file, stored(b"sitecustomize.py", b""))


def package_beside_the_package(file: File) -> File:
    """Another distribution's package is overwritten."""
    return add(file, stored(b"numpy/__init__.py", b""))


def data_directory(file: File) -> File:
    """A data directory brings a script into the environment's bin."""
    return add(file, stored(b"tensorboardtmp-2.2.1.data/scripts/python", b""))


# Content.


def entry_point_to_missing_module(file: File) -> File:
    """The console script names a module that is not there."""
    return substitute(file, "entry_points.txt", b"tensorboard.main:", b"tensorboard.niam:")


def entry_point_to_missing_attribute(file: File) -> File:
    """The console script names a function that is not there."""
    return substitute(file, "entry_points.txt", b":run_main", b":run_niam")


def malformed_entry_point(file: File) -> File:
    """An entry point has not the form module:attribute."""
    return substitute(
        file, "entry_points.txt", b"tensorboard.main:run_main", b"tensorboard/main.py"
    )


def malformed_entry_points(file: File) -> File:
    """entry_points.txt does not begin with a section."""
    return substitute(file, "entry_points.txt", b"[console_scripts]\n", b"")


def endless_entry_points(file: File) -> File:
    """entry_points.txt goes on with lines that are none, each an error for a slow parser."""
    return edit(file, f"{file.dist_info}entry_points.txt", lambda text: text + b"x\n" * 100_000)


def no_console_script(file: File) -> File:
    """The console script is called something else."""
    return substitute(file, "entry_points.txt", b"tensorboard = ", b"tensorbored = ")


def no_entry_points(file: File) -> File:
    """There is no entry_points.txt."""
    return drop(file, f"{file.dist_info}entry_points.txt")


def no_webfiles(file: File) -> File:
    """There is no webfiles.zip; the server then answers 200 with a placeholder."""
    return drop(file, WEBFILES)


def webfiles_without_root_element(file: File) -> File:
    """webfiles.zip has a page without TensorBoard's root element."""
    return edit(file, WEBFILES, lambda _: _zip({"index.html": b"<html></html>"}))


def webfiles_without_page(file: File) -> File:
    """webfiles.zip has no index.html; the root element is in some other page."""
    return edit(file, WEBFILES, lambda _: _zip({"other_index.html": b"<tf-tensorboard>"}))


def cut_webfiles(file: File) -> File:
    """webfiles.zip is cut short."""
    return edit(file, WEBFILES, lambda content: content[: len(content) // 2])


def webfiles_of_text(file: File) -> File:
    """webfiles.zip is no zip file."""
    return edit(file, WEBFILES, lambda _: b"version https://git-lfs")


def broken_webfiles_page(file: File) -> File:
    """The page in webfiles.zip does not inflate."""
    return edit(file, WEBFILES, _with_broken_page)


def broken_python(file: File) -> File:
    """A module does not compile."""
    return edit(file, MAIN, lambda text: text + b"\ndef run_main(:\n")


def nul_in_python(file: File) -> File:
    """A module has a NUL."""
    return edit(file, "tensorboard/version.py", lambda text: text + b"\0")


def unknown_encoding_in_python(file: File) -> File:
    """A module declares an encoding that does not exist."""
    return edit(file, "tensorboard/version.py", lambda text: b"# coding: evil\n" + text)


def deep_python(file: File) -> File:
    """A module nests deeper than Python's parser goes."""
    return edit(file, "tensorboard/version.py", lambda _: b"x = " + b"-" * 200_000 + b"1\n")


def broken_patched_python(file: File) -> File:
    """A module that a patch changed does not compile."""
    return edit(file, NOTEBOOK, lambda text: text.replace(b"def ", b"fed ", 1))


def no_licence(file: File) -> File:
    """There is no licence file."""
    return drop(file, f"{file.dist_info}LICENSE")


def named_licence_missing(file: File) -> File:
    """METADATA names a licence file that is not there."""
    return substitute(file, "METADATA", b"Platform:", b"License-File: NOTICE\nPlatform:")


def licence_named_too_early(file: File) -> File:
    """METADATA names its licence file in a header that its metadata version does not have."""
    return substitute(file, "METADATA", b"Platform:", b"License-File: LICENSE\nPlatform:")


# Difference from stock.


def lost_module(file: File) -> File:
    """A module of the stock wheel is not there."""
    return drop(file, "tensorboard/version.py")


def added_module(file: File) -> File:
    """A module is there that nobody published."""
    return add(file, stored(b"tensorboard/evil.py", b"import os\n"))


def changed_module(file: File) -> File:
    """A module that no patch touches has other content."""
    return edit(file, MAIN, lambda text: b"import os\n" + text)


def changed_first_member(file: File) -> File:
    """The same for the first member, which lies where the stock wheel has it."""
    return edit(file, FIRST, lambda text: b"import os\n" + text)


def changed_top_level(file: File) -> File:
    """A file of the dist-info directory has other content."""
    return edit(file, f"{file.dist_info}top_level.txt", lambda text: text + b"numpy\n")


def patch_half_applied(file: File) -> File:
    """A member that a patch changes has one line more."""
    return edit(file, NOTEBOOK, lambda text: text + b"# more\n")


def patch_not_applied(file: File, stock: bytes) -> File:
    """A member that a patch should change is the stock wheel's, as the bytes it is there."""
    old = next(e for e in read(stock) if e.name == NOTEBOOK.encode())
    entries = [old if e.name == old.name else e for e in read(file.content)]
    return file._replace(content=write(sealed(entries, file.dist_info, frozenset({old.name}))))


def _moved(file: File, directory: str) -> File:
    old, new = file.dist_info.encode(), directory.encode()
    entries = [
        replace(e, name=new + e.name.removeprefix(old)) if e.name.startswith(old) else e
        for e in read(file.content)
    ]
    moved = frozenset(e.name for e in entries if e.name.startswith(new))
    return file._replace(content=write(sealed(entries, directory, moved)))


def _zip(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return sink.getvalue()


def _with_broken_page(content: bytes) -> bytes:
    return write(
        [
            replace(e, data=b"\xff" + e.data[1:]) if e.name == b"index.html" else e
            for e in read(content)
        ]
    )
