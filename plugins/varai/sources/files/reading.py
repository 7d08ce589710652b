"""Which reader a file needs: by the format declared, else by how its name ends. And that it stayed as it was while it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from varai.kernel import Misconfigured, Unavailable
from varai.sources.contract import Drop, DroppedFile
from varai.sources.files.columnar import Columnar
from varai.sources.files.declared import FORMATS, Declared
from varai.sources.files.delimited import Delimited
from varai.sources.files.documents import Documents
from varai.sources.files.rows import Reader
from varai.sources.files.workbook import Workbook

_READERS: Final[dict[str, Callable[[BinaryIO, str, Declared], Reader]]] = {
    "csv": Delimited,
    "tsv": Delimited,
    "ndjson": Documents,
    "parquet": Columnar,
    "xlsx": Workbook,
}


@contextmanager
def reading(drop: Drop, file: DroppedFile, declared: Declared) -> Iterator[Reader]:
    """A reader of a file, for as long as the block lasts.

    Raises:
        Unavailable: at its end, where the file has gone or was written to meanwhile: what was read of it is nothing whole.
        Misconfigured: nothing says what format it has.
        Malformed: it is not what it should be.
    """
    format = declared.format or FORMATS.get(file.name.removesuffix(".gz").rpartition(".")[2].lower())
    if format is None:
        raise Misconfigured(f"Nothing says what format {file.name} has.", "Write `format` into the feed's settings.")
    try:
        with drop.open(file.name) as opened:
            yield _READERS[format](opened, file.name, declared.model_copy(update={"format": format}))
    except FileNotFoundError as error:
        raise Unavailable(f"{file.name} has gone while it was to be read.") from error
    if drop.stat(file.name) != file:
        raise Unavailable(f"{file.name} was written to while it was read.", "The next run reads it as it is then.")
