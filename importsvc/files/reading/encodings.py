"""Encodings of text: which one a file has, and where it does not have it. Pure: no Django, no database."""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO, NamedTuple

import chardet

from importsvc.files.reading.tables import FileRefused, Source

READ_SIZE = 1 << 20

UTF_8 = "utf-8"
# The names of encodings, and the codecs that read them.
ENCODINGS = {
    UTF_8: "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-32-le": "utf-32-le",
    "utf-32-be": "utf-32-be",
    **{f"windows-{number}": f"cp{number}" for number in range(1250, 1259)},
    **{f"iso-8859-{number}": f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))},
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "macintosh": "mac-roman",
    "mac-latin2": "mac-latin2",
    "mac-cyrillic": "mac-cyrillic",
    **{f"cp{number}": f"cp{number}" for number in (437, 850, 852, 855, 866, 874, 932, 949)},
    "shift_jis": "shift_jis",
    "euc-jp": "euc_jp",
    "euc-kr": "euc_kr",
    "big5": "big5",
    "gbk": "gbk",
    "gb18030": "gb18030",
}
_NAMES = {codecs.lookup(codec).name: name for name, codec in ENCODINGS.items()}

# UTF-32 first: its mark begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# Encodings in which a line feed is not one byte.
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
# Most files that are not Unicode have one of these. Others need better evidence.
_LATIN = ["cp1252", "cp1250"]
_EVIDENCE = 0.15

# The characters of UTF-8 that are not ASCII.
_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")
_NOT_ASCII = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")


class TextFacts(NamedTuple):
    """Facts of all the text of a file.

    Attributes:
        encoding: a name of ``ENCODINGS``.
        confidence: of the encoding, from 0 to 1.
        line_count: physical lines, which end with LF, CR LF or CR.
    """

    encoding: str
    confidence: float
    line_count: int


def find_encoding(name: str) -> str:
    """The name in ``ENCODINGS`` of an encoding that may have other names, such as ``cp1252`` or ``latin1``.

    Raises:
        FileRefused: the encoding is not known.
    """
    try:
        # The codec of "utf-8-sig" differs from that of UTF-8, but every mark is skipped anyway.
        return _NAMES[codecs.lookup(name.lower().removesuffix("-sig")).name]
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        detail = f"The encoding '{name[:50]}' is not known. Known are {', '.join(ENCODINGS)}."
        raise FileRefused("encoding_unknown", detail.replace("\x00", "")) from None


def examine_text(source: Source, *, encoding: str | None = None) -> TextFacts:
    """Decode all bytes, and count the lines.

    Args:
        encoding: a name of ``ENCODINGS`` that the caller says; otherwise it is guessed.

    Raises:
        FileRefused: a character cannot be decoded, or is NUL. The first such place is named.
    """
    with source.open() as stream:
        start = stream.read(READ_SIZE)
    marked, wide = _find_mark(start), _find_wide(start)
    guess, confidence = marked or wide or UTF_8, 0.9 if wide and not marked else 1.0
    name = encoding or guess
    line_count = _count_lines(source, name)
    if line_count is None and not encoding and guess == UTF_8 and not marked:
        name, confidence = _guess_legacy(source)
        line_count = _count_lines(source, name)
    if line_count is None:
        raise find_undecodable(source, name)
    return TextFacts(name, 1.0 if encoding else confidence, line_count)


def open_text(source: Source, encoding: str) -> io.TextIOWrapper:
    """The text after the byte order mark, decoded strictly. Its lines keep their ends: LF, CR LF or CR."""
    stream = source.open()
    _skip_mark(stream, encoding)
    return io.TextIOWrapper(stream, encoding=ENCODINGS[encoding], newline="")


def decode_start(start: bytes) -> str:
    """The text that a file starts with, as far as its format needs it: letters that are not ASCII may be wrong."""
    encoding = _find_mark(start) or _find_wide(start) or UTF_8
    return start.decode(ENCODINGS[encoding], "replace").removeprefix("\ufeff")


def find_undecodable(source: Source, encoding: str) -> FileRefused:
    """The refusal of a file that has a NUL, or a character that cannot be decoded: the first place, and how many lines.

    The caller raises it.
    """
    found = _find_first_problem(source, encoding)
    if not found:
        return FileRefused("not_decodable", f"The file is not {encoding}.")
    line, column, what = found
    others = _count_problem_lines(source, encoding) - 1
    more = f" {others:,} more {'lines have' if others > 1 else 'line has'} such characters." if others > 0 else ""
    if what == "NUL":
        detail = f"Line {line:,}, column {column:,} has a NUL character: the file is damaged, or not text.{more}"
        return FileRefused("nul_character", detail, line=line, column=column)
    detail = (
        f"Line {line:,}, column {column:,} has a character that is not {encoding} ({what}).{more} "
        "Name the encoding that the file has, or save it as UTF-8."
    )
    return FileRefused("not_decodable", detail, line=line, column=column)


def _find_first_problem(source: Source, encoding: str) -> tuple[int, int, str] | None:
    """The line and the column of the first character that is NUL or cannot be decoded, and what it is."""
    codec = ENCODINGS[encoding]
    decoder = codecs.getincrementaldecoder(codec)()
    line, column, last = 1, 1, ""
    with source.open() as stream:
        _skip_mark(stream, encoding)
        while True:
            content = stream.read(READ_SIZE)
            what = ""
            try:
                text = decoder.decode(content, final=not content)
            except UnicodeDecodeError as error:
                text = error.object[: error.start].decode(codec)
                what = f"byte {error.object[error.start]:02X}"
            if "\x00" in text:
                text, what = text[: text.index("\x00")], "NUL"
            # A line feed after a carriage return at the end of the last part belongs to it.
            text_lines = (last + text).replace("\r\n", "\n").replace("\r", "\n") if text else last
            line += text_lines.count("\n")
            is_new = "\n" in text_lines
            column = len(text_lines) - text_lines.rindex("\n") if is_new else column + len(text_lines)
            last = ""
            if what:
                return line, column, what
            if not content:
                return None
            if text.endswith("\r"):
                line, last = line - 1, "\r"


def _count_problem_lines(source: Source, encoding: str) -> int:
    count, has_problem = 0, False
    with source.open() as stream:
        _skip_mark(stream, encoding)
        text = io.TextIOWrapper(stream, encoding=ENCODINGS[encoding], errors="replace", newline="")
        while part := text.readline(READ_SIZE):
            has_problem = has_problem or "\ufffd" in part or "\x00" in part
            if part.endswith(("\n", "\r")):
                count += has_problem
                has_problem = False
    return count + has_problem


def _find_mark(start: bytes) -> str | None:
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)


def _skip_mark(stream: BinaryIO, encoding: str) -> None:
    marks = [mark for mark, name in _MARKS.items() if name == encoding]
    start = stream.read(4)
    stream.seek(next((len(mark) for mark in marks if start.startswith(mark)), 0))


def _find_wide(start: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Western text is NUL."""
    sample = start[:4096]
    if len(sample) < 8 or len(sample) % 2:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    pairs = len(sample) // 2
    if max(even, odd) <= 0.4 * pairs or min(even, odd) > 0.05 * pairs:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _count_lines(source: Source, encoding: str) -> int | None:
    """Physical lines; ``None`` if a character cannot be decoded, or is NUL."""
    decoder = codecs.getincrementaldecoder(ENCODINGS[encoding])()
    is_wide = encoding in _WIDE
    count, last, size = 0, b"", 0
    with source.open() as stream:
        _skip_mark(stream, encoding)
        while True:
            content = stream.read(READ_SIZE)
            try:
                text = "" if content.isascii() and not is_wide and _is_idle(decoder) else decoder.decode(content)
                if not content:
                    decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return None
            if not content:
                break
            # Where a line feed is not one byte, the lines are counted in the text.
            content = text.encode("utf-8", "surrogatepass") if is_wide else content
            if b"\x00" in content:
                return None
            count += content.count(b"\n")
            if b"\r" in content or last == b"\r":
                count += content.count(b"\r") - content.count(b"\r\n") - (last == b"\r" and content[:1] == b"\n")
            last = content[-1:] or last
            size += len(content)
    return count + (size > 0 and last not in (b"\n", b"\r"))


def _is_idle(decoder: codecs.IncrementalDecoder) -> bool:
    """Whether the decoder holds no part of a character."""
    return decoder.getstate()[0] == b""


def _guess_legacy(source: Source) -> tuple[str, float]:
    """The encoding of a text that is not UTF-8, from the lines that are not ASCII, and the confidence.

    Raises:
        FileRefused: most of these characters are UTF-8: the others are damaged.
    """
    sample = _sample_not_ascii(source)
    content = b"\n".join(sample)
    others = len(_HIGH_BYTE.findall(_CHARACTER.sub(b"", content)))
    if len(_CHARACTER.findall(content)) >= others:
        raise find_undecodable(source, UTF_8)
    found = chardet.detect(content, encoding_era=chardet.EncodingEra.MODERN_WEB, compat_names=False)
    if not found["encoding"] or found["confidence"] < _EVIDENCE:
        found = chardet.detect(content, include_encodings=_LATIN, compat_names=False, no_match_encoding="cp1252")
    name = _NAMES.get(codecs.lookup(found["encoding"] or "cp1252").name, "windows-1252")
    # Letters that both have in the same place say nothing.
    if name != "windows-1252" and _decode(content, ENCODINGS[name]) == _decode(content, "cp1252"):
        name = "windows-1252"
    if _count_lines(source, name) is None:
        return "iso-8859-1", 0.3
    return name, max(0.5, min(0.95, found["confidence"] * 2))


def _decode(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None


def _sample_not_ascii(source: Source) -> list[bytes]:
    """Lines that are not ASCII, about 64 kB of them."""
    lines: list[bytes] = []
    size = 0
    with source.open() as stream:
        while size < 64 * 1024 and (content := stream.read(READ_SIZE)):
            content += stream.readline(READ_SIZE)
            for found in _NOT_ASCII.finditer(content):
                lines.append(found[0][:4096])
                size += len(lines[-1])
                if size >= 64 * 1024:
                    break
    return lines
