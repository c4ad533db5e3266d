"""Other spellings of a patched wheel: the same files are installed, and the archive is another one.

Each takes a good wheel and gives it back as some other writer would have written it. RECORD is
right for the outcome, so that nothing gives it away but its spelling.
"""

from __future__ import annotations

import csv
import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

from tests.support.forge import (
    File,
    alter,
    deflate,
    edit,
    edit_unsealed,
    find,
    inflate,
    read,
    record_line,
    write,
)
from tests.support.zip_defects import MAIN, NOTEBOOK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_HIDDEN = b"five bits of this lie in each block"
_CENTRAL_SIZE = 46
_END_SIZE = 22


# Other deflate streams of a member that a patch changed, and that we store.


def deflated_well(file: File) -> File:
    """It is deflated as well as zlib can."""
    return _deflated(file, NOTEBOOK, deflate)


def deflated_fast(file: File) -> File:
    """It is deflated as fast as zlib can."""
    return _deflated(file, NOTEBOOK, lambda content: deflate(content, 1))


def deflated_without_compression(file: File) -> File:
    """Its deflate stream has stored blocks only."""
    return _deflated(file, NOTEBOOK, lambda content: deflate(content, 0))


def deflated_with_fixed_codes(file: File) -> File:
    """Its deflate stream uses the fixed codes."""
    return _deflated(file, NOTEBOOK, lambda c: _deflate_in_pieces([c], zlib.Z_FIXED))


def deflated_in_split_blocks(file: File) -> File:
    """Its deflate stream has a block for each line, and an empty stored block behind each."""
    return _deflated(file, NOTEBOOK, lambda c: _deflate_in_pieces(c.splitlines(keepends=True)))


def bytes_in_padding_of_blocks(file: File) -> File:
    """Empty stored blocks precede its content; their padding, which nobody reads, hides bytes."""
    bits = int.from_bytes(_HIDDEN, "little")
    blocks = b"".join(
        # BFINAL 0 and BTYPE 00, five bits of padding, LEN 0 and its complement (RFC 1951 3.2.4).
        bytes([(bits >> place & 31) << 3]) + b"\0\0\xff\xff"
        for place in range(0, bits.bit_length(), 5)
    )
    return _deflated(file, NOTEBOOK, lambda content: blocks + deflate(content))


def bits_behind_the_final_block(file: File) -> File:
    """The bits behind the last block, up to the end of its byte, are ones."""
    return _deflated(file, NOTEBOOK, _fill_last_byte)


def deflated_metadata(file: File) -> File:
    """METADATA is deflated."""
    return _deflated(file, f"{file.dist_info}METADATA", deflate)


def deflated_record(file: File) -> File:
    """RECORD is deflated."""
    return _deflated(file, f"{file.dist_info}RECORD", deflate)


# Other headers and places of members.


def flagged_name_of_changed_member(file: File) -> File:
    """The ASCII name of a member that a patch changed is flagged as UTF-8."""
    return alter(file, NOTEBOOK, flags=0x800)


def flagged_name_of_copied_member(file: File) -> File:
    """The ASCII name of a member that no patch changed is flagged as UTF-8."""
    return alter(file, MAIN, flags=0x800)


def members_in_other_order(file: File) -> File:
    """The members stand in the order of their names."""
    return file._replace(content=write(sorted(read(file.content), key=lambda e: e.name)))


def record_first(file: File) -> File:
    """RECORD is the first member."""
    *others, record = read(file.content)
    return file._replace(content=write([record, *others]))


def directory_in_other_order(file: File) -> File:
    """The members lie where they did, and the directory lists them backwards."""
    start, entries = _split_directory(file.content)
    end = file.content[-_END_SIZE:]
    return file._replace(content=file.content[:start] + b"".join(entries[::-1]) + end)


def data_in_other_order(file: File) -> File:
    """The directory lists the members as it did, and they lie backwards."""
    entries = read(file.content)
    content = write(entries[::-1])
    start, listed = _split_directory(content)
    return file._replace(content=content[:start] + b"".join(listed[::-1]) + content[-_END_SIZE:])


# RECORD in other words.


def record_in_other_order(file: File) -> File:
    """The lines of RECORD stand in another order."""
    return _record(file, lambda rows: sorted(rows[:-1], reverse=True) + rows[-1:])


def record_with_its_own_line_first(file: File) -> File:
    """RECORD's line for itself comes first."""
    return _record(file, lambda rows: rows[-1:] + rows[:-1])


def record_with_quotes(file: File) -> File:
    """Every field of RECORD is quoted."""
    return _record(file, lambda rows: rows, quoting=csv.QUOTE_ALL)


def record_with_other_line_ends(file: File) -> File:
    """The lines of RECORD end as on Windows."""
    return _record(file, lambda rows: rows, lineterminator="\r\n")


def record_with_carriage_returns(file: File) -> File:
    """The lines of RECORD end as on an old Macintosh."""
    return _record(file, lambda rows: rows, lineterminator="\r")


def record_without_last_line_end(file: File) -> File:
    """The last line of RECORD does not end."""
    return edit_unsealed(file, f"{file.dist_info}RECORD", lambda text: text.removesuffix(b"\n"))


def record_with_sha512(file: File) -> File:
    """RECORD has a stronger hash of a member."""
    new = list(record_line(MAIN, inflate(find(file, MAIN)), "sha512"))
    return _record(file, lambda rows: [new if row[0] == MAIN else row for row in rows])


# METADATA and WHEEL in other words; the last two are of a wheel with the build tag 1.


def header_names_in_lower_case(file: File) -> File:
    """A header of METADATA has its name in lower case."""
    return _metadata(file, b"\nKeywords:", b"\nkeywords:")


def folded_header(file: File) -> File:
    """A header of METADATA goes on in a second line."""
    return _metadata(file, b"\nKeywords: tensorflow tensor", b"\nKeywords: tensorflow\n tensor")


def spaces_around_a_value(file: File) -> File:
    """A value in METADATA has spaces around it."""
    return _metadata(file, b"\nRequires-Python: >=3.7\n", b"\nRequires-Python:   >=3.7  \n")


def no_space_before_a_value(file: File) -> File:
    """The name in METADATA follows the colon at once."""
    return _metadata(file, b"\nName: ", b"\nName:")


def headers_in_other_order(file: File) -> File:
    """Two headers of METADATA have changed places."""
    name, version = b"\nName: tensorboardtmp", b"\nVersion: 2.2.1"
    return _metadata(file, name + version, version + name)


def headers_with_other_line_ends(file: File) -> File:
    """A header of METADATA ends as on Windows."""
    return _metadata(file, b"\nVersion: 2.2.1\n", b"\nVersion: 2.2.1\r\n")


def other_empty_line(file: File) -> File:
    """The empty line before the description ends as on Windows."""
    return _metadata(file, b"\n\n", b"\n\r\n")


def build_tag_first(file: File) -> File:
    """The build tag in WHEEL stands in front of all other headers."""
    return edit(
        file,
        f"{file.dist_info}WHEEL",
        lambda text: b"Build: 1\n" + text.replace(b"Build: 1\n", b""),
    )


def build_tag_with_spaces(file: File) -> File:
    """The build tag in WHEEL has spaces around it."""
    return edit(file, f"{file.dist_info}WHEEL", lambda t: t.replace(b"Build: 1", b"Build:  1 "))


NEED_BUILD_TAG = (build_tag_first, build_tag_with_spaces)
# Those that no other check objects to.
RESPELLINGS: tuple[Callable[[File], File], ...] = (
    deflated_well,
    deflated_fast,
    deflated_without_compression,
    deflated_with_fixed_codes,
    deflated_in_split_blocks,
    bytes_in_padding_of_blocks,
    bits_behind_the_final_block,
    deflated_metadata,
    deflated_record,
    flagged_name_of_changed_member,
    flagged_name_of_copied_member,
    members_in_other_order,
    record_first,
    directory_in_other_order,
    data_in_other_order,
    record_in_other_order,
    record_with_its_own_line_first,
    record_with_quotes,
    record_with_other_line_ends,
    record_with_carriage_returns,
    record_without_last_line_end,
    record_with_sha512,
    header_names_in_lower_case,
    folded_header,
    spaces_around_a_value,
    no_space_before_a_value,
    headers_in_other_order,
    headers_with_other_line_ends,
    other_empty_line,
    *NEED_BUILD_TAG,
)


# Those that another check objects to.


def extra_field_of_changed_member(file: File) -> File:
    """A member that a patch changed has an extra field."""
    return alter(file, NOTEBOOK, extra=b"\x55\x54\x05\x00\x01\x00\x00\x00\x00")


def comment_of_changed_member(file: File) -> File:
    """A member that a patch changed has a comment."""
    return alter(file, NOTEBOOK, comment=b"more")


def streamed_changed_member(file: File) -> File:
    """A member that a patch changed has its size behind it, in a data descriptor."""
    entry = find(file, NOTEBOOK)
    gap = struct.pack("<4s3L", b"PK\7\x08", entry.crc, len(entry.data), entry.size)
    empty = {"crc": 0, "size": 0, "compressed_size": 0}
    return alter(file, NOTEBOOK, flags=8, gap=gap, local=empty)


def changed_member_from_dos(file: File) -> File:
    """A member that a patch changed claims to come from MS-DOS."""
    return alter(file, NOTEBOOK, system=0)


def changed_member_with_level_in_flags(file: File) -> File:
    """The flags of a member that a patch changed tell a compression level."""
    return alter(deflated_well(file), NOTEBOOK, flags=2)


def gap_behind_changed_member(file: File) -> File:
    """Bytes lie behind a member that a patch changed."""
    return alter(file, NOTEBOOK, gap=b"more")


def record_with_padded_hash(file: File) -> File:
    """A hash in RECORD has base64's padding."""
    return _record(file, lambda rows: [[rows[0][0], rows[0][1] + "=", rows[0][2]], *rows[1:]])


def record_with_capital_hash(file: File) -> File:
    """The name of a hash in RECORD is in upper case."""

    def change(rows: list[list[str]]) -> list[list[str]]:
        path, digest, size = rows[0]
        return [[path, digest.replace("sha256", "SHA256"), size], *rows[1:]]

    return _record(file, change)


def record_with_line_of_no_member(file: File) -> File:
    """RECORD has a line more, of a signature that is not there."""
    line = [f"{file.dist_info}RECORD.jws", "", ""]
    return _record(file, lambda rows: [*rows, line])


def _deflated(file: File, path: str, compress: Callable[[bytes], bytes]) -> File:
    """The wheel with a deflated member that carries the time of those that are copied."""
    content = inflate(find(file, path))
    like = find(file, MAIN)
    data = compress(content)
    assert zlib.decompress(data, -zlib.MAX_WBITS) == content
    return alter(file, path, data=data, method=like.method, date=like.date, time=like.time)


def _deflate_in_pieces(pieces: Sequence[bytes], strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    engine = zlib.compressobj(9, wbits=-zlib.MAX_WBITS, strategy=strategy)
    blocks = [engine.compress(piece) + engine.flush(zlib.Z_FULL_FLUSH) for piece in pieces]
    return b"".join(blocks) + engine.flush()


def _fill_last_byte(content: bytes) -> bytes:
    for level in range(1, 10):
        *_, last = data = deflate(content, level)
        filled = bytes([*data[:-1], last | 0x80])
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        if filled != data and engine.decompress(filled) == content and engine.eof:
            return filled
    raise AssertionError("every one of these streams ends at the end of a byte")


def _split_directory(content: bytes) -> tuple[int, list[bytes]]:
    """Where the directory begins, and its entries."""
    (start,) = struct.unpack_from("<L", content, len(content) - 6)
    entries, place = [], start
    while place < len(content) - _END_SIZE:
        size = _CENTRAL_SIZE + sum(struct.unpack_from("<3H", content, place + 28))
        entries.append(content[place : place + size])
        place += size
    return start, entries


def _record(
    file: File, change: Callable[[list[list[str]]], list[list[str]]], **dialect: Any
) -> File:
    """The wheel with other rows in RECORD, or with the same rows in another dialect of CSV."""

    def rewrite(text: bytes) -> bytes:
        rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
        out = io.StringIO(newline="")
        csv.writer(out, **{"lineterminator": "\n"} | dialect).writerows(change(rows))
        return out.getvalue().encode()

    return edit_unsealed(file, f"{file.dist_info}RECORD", rewrite)


def _metadata(file: File, old: bytes, new: bytes) -> File:
    text = inflate(find(file, f"{file.dist_info}METADATA"))
    assert old in text, old
    return edit(file, f"{file.dist_info}METADATA", lambda text: text.replace(old, new, 1))
