"""The first rows of a stream's newest file, as they would be landed, and what its fields are made of: for `varai feeds preview`."""

from __future__ import annotations

from itertools import islice

from varai.sources.contract import Sample, Session
from varai.sources.files.arrivals import instant_of, settled
from varai.sources.files.declared import declared
from varai.sources.files.lines import Writer
from varai.sources.files.opening import opened
from varai.sources.files.reading import reading
from varai.sources.files.shop import shop_line
from varai.sources.files.streams import SHOP


def sample(session: Session, stream: str, rows: int) -> Sample | None:
    """See `varai.sources.contract.Sampling`. Nothing is noted: the file is read again by the next run."""
    if stream == SHOP:
        line = shop_line(session.feed, session.clock())
        return Sample("the feed's settings", line, ("settings.shop",), ({},), {})
    found = declared(session.feed, stream)
    with opened(session) as drop:
        files = settled(drop.files(), found, session.clock())
        if not files:
            return None
        file = max(files, key=lambda one: (instant_of(one, found), one.name))
        at, writer = instant_of(file, found), Writer(stream, found)
        with reading(drop, file, found) as reader:
            taken = list(islice(reader, rows))
    lines = b"".join(writer.line(file.name, at, row)[0] for row in taken)
    origins = {field: column.names for field in found.fields if (column := found.column(field)) is not None}
    places = tuple(f"row {row.number}" for row in taken)
    return Sample(file.name, lines, places, tuple(row.cells for row in taken), origins)
