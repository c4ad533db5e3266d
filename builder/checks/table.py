"""The code of every check, and the sentence that is true of a good wheel.

Families: Z the zip file, N names, R RECORD, M METADATA, W WHEEL, C content, D difference from
the stock wheel, B behaviour in a throwaway virtualenv, P the series themselves, S a second reader.
"""

from __future__ import annotations

CHECK_SENTENCES: dict[str, str] = {
    "Z101": "Nothing lies in front of, between or behind the members and the directory.",
    "Z102": "The local headers say the same as the central directory.",
    "Z103": "No name stands twice.",
    "Z104": "Names are short, relative, with plain forward slashes, lead nowhere, read one way.",
    "Z105": "Members are regular files: no symlinks, devices or directory entries.",
    "Z106": "No two names differ only in case or Unicode form.",
    "Z107": "No member is encrypted.",
    "Z108": "Members are stored or deflated, in the one version of zip that every reader has.",
    "Z109": "Members inflate to what they declare, and all together to a sane size.",
    "Z110": "Members have the CRC-32 that they declare.",
    "N201": "The file name has the parts of a wheel's name, spelt as the specification wants.",
    "N202": "There is one dist-info directory, and its name is that of the file.",
    "N203": "Members lie in tensorboard/ or in the dist-info directory.",
    "N204": "Name in METADATA is the name in the file name.",
    "N205": "Version in METADATA is the version in the file name.",
    "N206": "The official name is used with a local version only.",
    "R301": "RECORD is there and readable.",
    "R302": "Every member is in RECORD.",
    "R303": "Every line of RECORD has its member.",
    "R304": "Hashes and sizes in RECORD are those of the members.",
    "R305": "Hashes are sha256 or stronger.",
    "R306": "No path stands twice in RECORD; RECORD itself has neither hash nor size.",
    "M401": "METADATA is there and UTF-8.",
    "M402": "No single-use header stands twice.",
    "M403": "Headers hold no control characters, and every line of the block is a header.",
    "M404": "Every header is known and has a value that the specification allows.",
    "M405": "There is a description.",
    "W501": "WHEEL is there, and of version 1.",
    "W502": "The tags in WHEEL are those of the file name.",
    "W503": "The build tag in WHEEL is that of the file name.",
    "W504": "Root-Is-Purelib is true.",
    "W505": "Every line of WHEEL is a header, and only Tag stands more than once.",
    "C601": "Entry points are well-formed and name something that is in the wheel.",
    "C602": "webfiles.zip is there and holds the page with TensorBoard's root element.",
    "C603": "Python files are valid Python.",
    "C604": "Every licence file that METADATA names is there.",
    "D701": "Every member of the stock wheel is there.",
    "D702": "No member is there that neither the stock wheel nor a patch has.",
    "D703": "Members that no patch changes have the stock wheel's content.",
    "D704": "Members that a patch changes have the patch's outcome.",
    "D705": "Members keep mode, timestamp and compression unless their content changes.",
    "D706": "METADATA differs from stock only in the headers of the identity and the notice.",
    "D707": "WHEEL differs from stock only in the build tag.",
    "D708": "The stock wheel that it is compared with is the one that the catalog pins.",
    "D709": "Where provenance claims an overlay of ours, every byte is as our writer writes it.",
    "B801": "The wheel installs, and what is installed matches RECORD.",
    "B802": "The package and its notebook extension import.",
    "B803": "The console script starts.",
    "B804": "The server answers with a page that has TensorBoard's root element.",
    "P901": "Every patch file serves a release of the catalog.",
    "P902": "Every patch file is listed in its series.",
    "S951": "The library `wheel` reads every member, and finds the hash that RECORD gives.",
}

# By `check`, where the wheel's provenance claims an overlay of this tool.
WRITING_CODES = ("D709",)
STATIC_CODES = tuple(
    code for code in CHECK_SENTENCES if code[0] in "ZNRMWCD" and code not in WRITING_CODES
)
DIFFERENCE_CODES = tuple(code for code in STATIC_CODES if code[0] == "D")
READER_CODES = tuple(code for code in CHECK_SENTENCES if code[0] == "S")
DEEP_CODES = tuple(code for code in CHECK_SENTENCES if code[0] == "B")
