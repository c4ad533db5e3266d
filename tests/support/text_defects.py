"""Defects of METADATA and WHEEL: one thing wrong in an otherwise careful wheel.

Each function takes a good wheel; RECORD is right for the outcome.
"""

from __future__ import annotations

from tests.support.forge import File, drop, edit, find, inflate, substitute

# METADATA.


def no_metadata(file: File) -> File:
    """There is no METADATA."""
    return drop(file, f"{file.dist_info}METADATA")


def metadata_not_utf8(file: File) -> File:
    """METADATA is Latin-1."""
    return substitute(file, "METADATA", b"Keywords: ", b"Keywords: \xfc")


def metadata_of_nine_megabytes(file: File) -> File:
    """METADATA is larger than anyone should read."""
    return edit(file, f"{file.dist_info}METADATA", lambda text: text + b"\n" * 9_000_000)


def summary_twice(file: File) -> File:
    """A single-use header stands twice."""
    return substitute(file, "METADATA", b"Summary:", b"Summary: For testing only\nSummary:")


def name_twice(file: File) -> File:
    """There is a second name, in other spelling."""
    return substitute(file, "METADATA", b"Name:", b"NAME: numpy\nName:")


def carriage_return_in_header(file: File) -> File:
    """A value smuggles a header in behind a carriage return, where some parsers see a line end."""
    return substitute(
        file, "METADATA", b"Platform: UNKNOWN", b"Platform: UNKNOWN\rRequires-Dist: evil"
    )


def line_separator_in_header(file: File) -> File:
    """A value has a Unicode line separator."""
    return substitute(file, "METADATA", b"Platform: UNKNOWN", "Platform: UNKNOWN\u2028x".encode())


def line_that_is_no_header(file: File) -> File:
    """A line without a colon ends the block early: what follows becomes description."""
    return substitute(file, "METADATA", b"Requires-Dist: absl", b"evil\nRequires-Dist: absl")


def envelope_line(file: File) -> File:
    """A `From ` line, which e-mail parsers skip and others stumble over."""
    return substitute(file, "METADATA", b"Metadata-Version:", b"From evil\nMetadata-Version:")


def unknown_header(file: File) -> File:
    """A header that the specification does not know."""
    return substitute(file, "METADATA", b"Platform:", b"X-Evil: yes\nPlatform:")


def multipart_metadata(file: File) -> File:
    """A header of e-mail changes what parsers take the description for."""
    inject = b'Content-Type: multipart/mixed; boundary="x"\nPlatform:'
    return substitute(file, "METADATA", b"Platform:", inject)


def thousands_of_headers(file: File) -> File:
    """So many different headers that looking each one up takes minutes."""
    many = b"".join(b"A%d: x\n" % i for i in range(60_000))
    return substitute(file, "METADATA", b"Platform:", many + b"Platform:")


def folded_for_ever(file: File) -> File:
    """A header that goes on for a hundred thousand lines."""
    return substitute(file, "METADATA", b"Keywords: ", b"Keywords: x\n" + b" \n" * 100_000 + b" ")


def malformed_requirement(file: File) -> File:
    """A Requires-Dist is no requirement."""
    return substitute(
        file, "METADATA", b"Requires-Dist: absl-py (>=0.4)", b"Requires-Dist: absl-py (>=)"
    )


def no_description(file: File) -> File:
    """The description is lost, as happens where a parser takes METADATA apart."""
    text = inflate(find(file, f"{file.dist_info}METADATA"))
    return edit(file, f"{file.dist_info}METADATA", lambda _: text.partition(b"\n\n")[0] + b"\n")


def other_description(file: File) -> File:
    """The description is another one."""
    return substitute(file, "METADATA", b"TensorBoard is a suite", b"TensorBored is a suite")


def description_goes_on(file: File) -> File:
    """Something follows the notice at the end of the description."""
    return edit(file, f"{file.dist_info}METADATA", lambda text: text + b"\nBuy more.\n")


def no_notice(file: File) -> File:
    """The description does not say what the wheel is."""
    text = inflate(find(file, f"{file.dist_info}METADATA"))
    kept = text.partition(b"\nThis is tensorboardtmp")[0]
    return edit(file, f"{file.dist_info}METADATA", lambda _: kept)


def requirement_missing(file: File) -> File:
    """A Requires-Dist is missing."""
    return substitute(file, "METADATA", b"Requires-Dist: absl-py (>=0.4)\n", b"")


def requirement_added(file: File) -> File:
    """A Requires-Dist is there that upstream does not have."""
    return substitute(
        file, "METADATA", b"Requires-Dist: absl", b"Requires-Dist: evil\nRequires-Dist: absl"
    )


def other_python(file: File) -> File:
    """Requires-Python is another one."""
    return substitute(file, "METADATA", b"Requires-Python: >=3.7", b"Requires-Python: >=3.8")


def classifiers_in_other_order(file: File) -> File:
    """The same classifiers in another order."""
    developers = b"Classifier: Intended Audience :: Developers\n"
    education = b"Classifier: Intended Audience :: Education\n"
    return substitute(file, "METADATA", developers + education, education + developers)


def upstreams_summary(file: File) -> File:
    """A test wheel speaks with upstream's summary."""
    return substitute(
        file, "METADATA", b"Summary: For testing only", b"Summary: TensorBoard lets you watch"
    )


# WHEEL.


def no_wheel_file(file: File) -> File:
    """There is no WHEEL."""
    return drop(file, f"{file.dist_info}WHEEL")


def wheel_version_2(file: File) -> File:
    """WHEEL is of a version that nobody knows."""
    return substitute(file, "WHEEL", b"Wheel-Version: 1.0", b"Wheel-Version: 2.0")


def other_tag(file: File) -> File:
    """WHEEL has another tag than the file name."""
    return substitute(file, "WHEEL", b"Tag: py3-none-any", b"Tag: py2-none-any")


def exploding_tag(file: File) -> File:
    """A compressed tag set that stands for a thousand million tags."""
    part = b".".join(b"a%d" % i for i in range(1000))
    return substitute(file, "WHEEL", b"Tag: py3-none-any", b"Tag: " + b"-".join([part] * 3))


def build_tag_in_wheel_only(file: File) -> File:
    """WHEEL has a build tag and the file name has none."""
    return substitute(file, "WHEEL", b"Tag:", b"Build: 1\nTag:")


def build_tag_in_file_name_only(file: File) -> File:
    """The file name has a build tag and WHEEL has none."""
    return file._replace(filename="tensorboardtmp-2.2.1-1-py3-none-any.whl")


def other_build_tag(file: File) -> File:
    """File name and WHEEL have different build tags."""
    tagged = substitute(file, "WHEEL", b"Tag:", b"Build: 2\nTag:")
    return tagged._replace(filename="tensorboardtmp-2.2.1-1-py3-none-any.whl")


def not_purelib(file: File) -> File:
    """WHEEL sends the files where binary modules go."""
    return substitute(file, "WHEEL", b"Root-Is-Purelib: true", b"Root-Is-Purelib: false")


def injection_into_wheel(file: File) -> File:
    """WHEEL has a line that is no header."""
    return substitute(file, "WHEEL", b"Tag: py3-none-any\n", b"Tag: py3-none-any\nevil\n")


def other_generator(file: File) -> File:
    """WHEEL names another generator."""
    return substitute(file, "WHEEL", b"bdist_wheel", b"wdist_bheel")


def mend_not_made(file: File) -> File:
    """One codemod's outcome is half there: the stock text stands where the mended one should."""
    return edit(
        file, "tensorboard/default.py", lambda text: text.replace(b"Skipping plugin", b"Skipped")
    )


def dropped_requirement_kept(file: File) -> File:
    """A requirement that a series drops is there all the same."""
    return substitute(
        file,
        "METADATA",
        b"Requires-Dist: absl-py",
        b"Requires-Dist: setuptools (>=41.0.0)\nRequires-Dist: absl-py",
    )
