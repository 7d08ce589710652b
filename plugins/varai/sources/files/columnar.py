"""Parquet: row groups in, rows of texts out. Its last bytes say how many rows it has, and that it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO, Final

from varai.kernel import Malformed
from varai.sources.files.declared import Declared
from varai.sources.files.documents import flat
from varai.sources.files.header import insist_on
from varai.sources.files.rows import LONGEST, Row, refused

_ROWS: Final = 2_000


class Columnar:
    """See `varai.sources.files.rows.Reader`."""

    def __init__(self, file: BinaryIO, name: str, declared: Declared) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._name = name
        self._wrong = pa.ArrowException
        try:
            # Through a buffer, column chunk by column chunk: a row group may be as large as the file.
            self._file = pq.ParquetFile(pa.PythonFile(file, "r"), buffer_size=2**20, pre_buffer=False)
        except (ConnectionError, TimeoutError):
            raise
        except (pa.ArrowException, OSError) as error:
            raise self._cut() from error
        self.columns: tuple[str, ...] | None = None
        insist_on({one for one in declared.names if one.partition(".")[0] not in self._file.schema_arrow.names}, name)

    @property
    def counted(self) -> int:
        """Rows as the file's footer says."""
        return int(self._file.metadata.num_rows)

    def __iter__(self) -> Iterator[Row]:
        number = 0
        try:
            for batch in self._file.iter_batches(batch_size=_ROWS, use_threads=False):
                for value in batch.to_pylist():
                    number += 1
                    yield _row(number, value)
        except (ConnectionError, TimeoutError):
            raise
        except (self._wrong, OSError) as error:
            raise self._cut() from error

    def _cut(self) -> Malformed:
        return Malformed(f"{self._name} is no whole Parquet file.", "Deliver it again, whole.")


def _row(number: int, value: dict[str, Any]) -> Row:
    try:
        cells = flat(plain(value))
    except UnicodeDecodeError:
        return refused(number, "wrong_encoding", "")
    if any("\0" in text for text in cells.values()):
        return refused(number, "nul_byte", "")
    if sum(map(len, cells.values())) > LONGEST:
        return refused(number, "huge_row", "")
    return Row(number, cells)


def plain(value: Any) -> Any:
    """A value as JSON could hold it, all but objects and lists as text. Raises UnicodeDecodeError for bytes that are none."""
    match value:
        case dict():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return json.dumps([plain(item) for item in value], ensure_ascii=False, separators=(",", ":"))
        case bool():
            return "true" if value else "false"
        case None:
            return None
    return _text(value)


def _text(value: Any) -> str:
    match value:
        case bytes():
            return value.decode("utf-8")
        case Decimal():
            return format(value, "f")
        case float():
            return _number(value)
        case datetime() | date() | time():
            return value.isoformat()
    return str(value)


def _number(value: float) -> str:
    """The shortest text of a double; of one without a fraction, no fraction."""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
