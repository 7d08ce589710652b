"""Bytes of a text file in, its lines out, one at a time: decoded as declared, never guessed, and marked where that cannot be right.

A line ends with a line feed, whether a carriage return stands before it or not.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from varai.kernel import Malformed
from varai.sources.files.declared import Encoding
from varai.sources.files.rows import LONGEST, SHOWN

_BLOCK: Final = 2**18
_MARKS: Final = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CODECS: Final[dict[Encoding, str]] = {
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "latin-1": "latin-1",
    "cp1252": "cp1252",
}
_REPLACED: Final = "\ufffd"


class Line(str):
    """A line without its end. `broken` says why it cannot be trusted; `open` that the file ends in it, without a line feed."""

    __slots__ = ("broken", "open")
    broken: str
    open: bool

    def __new__(cls, text: str, broken: str = "", *, open: bool = False) -> Line:
        """A line."""
        made = super().__new__(cls, text)
        made.broken, made.open = broken, open
        return made


class Lines(Iterator[Line]):
    """The lines of a file.

    Args:
        file: its bytes.
        name: for sentences; ends in `.gz` where they are compressed.
        encoding: as declared. Raises Malformed where the file's first bytes say otherwise.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: Encoding) -> None:
        self._name, self._encoding = name, encoding
        self._file = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if name.endswith(".gz") else file
        self.ends = 0
        """Line feeds met so far, counted in the text itself."""
        self.unended = False
        """Whether the file ends in a line without a line feed."""
        self._lines = self._read()

    def __next__(self) -> Line:
        return next(self._lines)

    def _read(self) -> Iterator[Line]:
        held, skipping = "", False
        for text in self._texts():
            self.ends += text.count("\n")
            *whole, held = (held + text).split("\n")
            for line in whole:
                yield Line(line[:SHOWN], "huge_row") if skipping or len(line) > LONGEST else self._line(line)
                skipping = False
            if len(held) > LONGEST:
                held, skipping = held[:SHOWN], True
        if held or skipping:
            self.unended = True
            last = Line(held[:SHOWN], "huge_row") if skipping else self._line(held)
            last.open = True
            yield last

    def _line(self, text: str) -> Line:
        line = text.removesuffix("\r")
        if "\0" in line:
            return Line(line, "nul_byte")
        if not line.isascii() and (_REPLACED in line or self._otherwise(line)):
            return Line(line, "wrong_encoding")
        return Line(line)

    def _otherwise(self, line: str) -> bool:
        """Whether a text in a one-byte encoding, in which any bytes are text, is more likely one of UTF-8, or of another such encoding."""
        if self._encoding not in ("latin-1", "cp1252"):
            return False
        if any("\x80" <= sign < "\xa0" for sign in line):
            return True
        try:
            line.encode(self._encoding).decode("utf-8")
        except UnicodeError:
            return False
        return True

    def _texts(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(_CODECS[self._encoding])(errors="replace")
        first = True
        for block in self._blocks():
            if first:
                self._insist_on_marks(block)
                first = False
            yield decoder.decode(block)
        yield decoder.decode(b"", final=True)

    def _blocks(self) -> Iterator[bytes]:
        try:
            while block := self._file.read(_BLOCK):
                yield block
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Malformed(f"{self._name} is cut short or damaged: {error}.", "Deliver it again, whole.") from error

    def _insist_on_marks(self, block: bytes) -> None:
        mark = next((kind for mark, kind in _MARKS.items() if block.startswith(mark)), None)
        if mark is not None and mark != self._encoding:
            raise Malformed(
                f"{self._name} begins with the byte order mark of {mark}, the feed declares {self._encoding}.",
                "Correct `encoding` in the feed's settings, or have the file written as declared.",
            )
        if self._encoding == "utf-16" and mark is None:
            raise Malformed(
                f"{self._name} has no byte order mark, without which UTF-16 can be read in two ways.",
                "Have it written with its mark, or as UTF-8.",
            )
        if self._encoding != "utf-16" and block[:512].count(0) * 4 > len(block[:512]):
            raise Malformed(
                f"{self._name} is no text in {self._encoding}: a quarter of its first bytes are zero, as in UTF-16.",
                "Correct `encoding` in the feed's settings.",
            )
