"""XLSX: the rows of one sheet in, rows of texts out. Its directory stands at its end, so that one cut short is none.

Cells that a spreadsheet keeps as numbers or dates are written as text here: whole numbers without a fraction, dates by ISO 8601. A leading
zero that the spreadsheet took away before is gone: codes must be texts there. Texts that many cells share are held in memory, which
grows with how many different ones there are; their size is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final
from zipfile import BadZipFile, ZipFile
from zlib import error as ZlibError  # noqa: N812  # a class with the name of a variable

from varai.kernel import Malformed
from varai.sources.files.columnar import plain
from varai.sources.files.declared import Declared
from varai.sources.files.header import named
from varai.sources.files.rows import LONGEST, Row, refused

_MOST_SHARED: Final = 256 * 2**20
"""Bytes of the texts that cells share, unpacked."""
_MOST: Final = 4 * 2**30
"""Bytes of the whole workbook, unpacked."""


class Workbook:
    """See `varai.sources.files.rows.Reader`."""

    def __init__(self, file: BinaryIO, name: str, declared: Declared) -> None:
        from defusedxml.common import DefusedXmlException
        from openpyxl import load_workbook

        self._name, self._declared = name, declared
        try:
            self._insist_on_size(file)
            self._book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except (ConnectionError, TimeoutError):
            raise
        except (
            BadZipFile,
            ZlibError,
            KeyError,
            ValueError,
            OSError,
            EOFError,
            SyntaxError,
            DefusedXmlException,
        ) as error:
            raise Malformed(f"{name} is no whole workbook.", "Deliver it again, whole, as XLSX.") from error
        self.columns: tuple[str, ...] | None = declared.header or None
        self._met = 0
        self._beside = 0

    @property
    def counted(self) -> int:
        """Rows of the sheet in which something is written, less the header."""
        return self._met - self._beside

    def __iter__(self) -> Iterator[Row]:
        try:
            for number, values in enumerate(self._sheet().iter_rows(values_only=True), 1):
                self._met += 1
                row = self._row(number, values)
                if row is None:
                    self._beside += 1
                else:
                    yield row
        except (ConnectionError, TimeoutError):
            raise
        except (BadZipFile, ZlibError, ValueError, OSError, EOFError, SyntaxError) as error:
            raise Malformed(f"{self._name} is damaged.", "Deliver it again, whole, as XLSX.") from error
        finally:
            self._book.close()
        if self.columns is None:
            raise Malformed(f"{self._name} is empty: it has not even a header.", "Deliver it again, whole.")

    def _insist_on_size(self, file: BinaryIO) -> None:
        """Refuse what unpacks to far more than a sheet may hold."""
        with ZipFile(file) as packed:
            sizes = {one.filename: one.file_size for one in packed.infolist()}
        file.seek(0)
        if sizes.get("xl/sharedStrings.xml", 0) > _MOST_SHARED or sum(sizes.values()) > _MOST:
            raise Malformed(f"{self._name} unpacks to more than can be read.", "Deliver it as CSV or Parquet.")

    def _sheet(self) -> Any:
        name = self._declared.sheet
        if name is not None and name not in self._book.sheetnames:
            raise Malformed(f"{self._name} has no sheet of the name that the feed declares.", "Correct `sheet`.")
        sheet = self._book.worksheets[0] if name is None else self._book[name]
        # What a sheet says of its own size may be wrong, and is then believed in silence.
        sheet.reset_dimensions()
        return sheet

    def _row(self, number: int, values: Sequence[Any]) -> Row | None:
        """The row; None for the header and for one in which nothing is written."""
        texts = ["" if value is None else str(plain(value)) for value in values]
        if not any(map(str.strip, texts)):
            return None
        while texts[-1] == "":
            texts.pop()
        if self.columns is None:
            self.columns = named([text.strip() for text in texts], self._name, self._declared)
            return None
        if len(texts) > len(self.columns):
            return refused(number, "ragged_row", "\t".join(texts))
        if any("\0" in text for text in texts):
            return refused(number, "nul_byte", "")
        if sum(map(len, texts)) > LONGEST:
            return refused(number, "huge_row", "")
        return Row(number, dict(zip(self.columns, texts + [""] * (len(self.columns) - len(texts)), strict=True)))
