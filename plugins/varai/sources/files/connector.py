"""The connector of dropped files: what `varai.sources.connector("files")` gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa

from varai.kernel import Feed, Misconfigured, Window
from varai.sources.contract import (
    Deletion,
    Extraction,
    FeedReport,
    Listing,
    Page,
    Sample,
    Session,
    ShopFacts,
    StreamSpec,
    stream_spec,
)
from varai.sources.files.arrivals import arrivals
from varai.sources.files.check import check
from varai.sources.files.declared import declared, declared_names
from varai.sources.files.lines import Writer, plain
from varai.sources.files.opening import SECRET_FIELDS, opened
from varai.sources.files.reading import reading
from varai.sources.files.sampling import sample
from varai.sources.files.shop import shop_line
from varai.sources.files.streams import SHOP, STREAMS

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_PAGE: Final = 2**20


class Files:
    """See `varai.sources.Connector`. A feed has the streams it declares files of."""

    name: Final = "files"
    version: Final = "files.1"
    streams: tuple[StreamSpec, ...] = STREAMS
    secret_fields: tuple[tuple[str, ...], ...] = SECRET_FIELDS

    def streams_of(self, feed: Feed) -> tuple[StreamSpec, ...]:
        """The shop, and the streams the feed declares files of."""
        names = declared_names(feed)
        return tuple(spec for spec in STREAMS if spec.name in names)

    def check(self, session: Session) -> FeedReport:
        """Whether the folder can be read, which streams have files, and what of the declarations cannot work."""
        return check(session, self.streams_of(session.feed))

    def extract(self, session: Session, stream: str, window: Window, *, listing: bool = False) -> Extraction:
        """Prepare a read. Ids are listed where a file that is the whole state was read, whether they are asked for or not."""
        del listing
        return _Extraction(session, stream_spec(self, stream), window)

    def count(self, session: Session, stream: str, window: Window) -> int | None:
        """None: files are counted as they are read, and what they hold is no state to be asked for later."""
        del session, window
        stream_spec(self, stream)
        return None

    def subject_id(self, given: str) -> str:
        """A customer's id as the files have it."""
        if not given.strip():
            raise Misconfigured(
                "This is no id of a customer.", "Give what the files have in the column that names one."
            )
        return plain(given)

    def sample(self, session: Session, stream: str, rows: int) -> Sample | None:
        """The first rows of the stream's newest file that is whole by now."""
        return sample(session, stream_spec(self, stream).name, rows)

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.files.mapping import mapping  # reading needs no mapping

        return mapping(stream_spec(self, stream).name, feed, facts)


CONNECTOR = Files()


class _Extraction:
    """See `varai.sources.Extraction`. Nothing is listed or opened before the first page is asked for."""

    deletions: tuple[Deletion, ...] = ()

    def __init__(self, session: Session, spec: StreamSpec, window: Window) -> None:
        self._session, self._spec, self._window = session, spec, window
        self._vendor_count: int | None = None
        self._listing: Listing | None = None

    @property
    def vendor_count(self) -> int | None:
        """Rows of the files, counted apart from reading them."""
        return self._vendor_count

    @property
    def listing(self) -> Listing | None:
        """Names of all rows, where a file that is the whole state was read and each of its rows has a name."""
        return self._listing

    @property
    def query_hash(self) -> str:
        """Of the stream's declaration."""
        found = self._session.feed.settings.get("streams", {}).get(self._spec.name, {})
        return hashlib.sha256(msgspec.json.encode(found, order="deterministic")).hexdigest()

    def __iter__(self) -> Iterator[Page]:
        """The pages; the counts are there when they are exhausted."""
        if self._spec.name == SHOP:
            yield Page(shop_line(self._session.feed, self._window.end), 1, 1)
            self._vendor_count = 1
            return
        found, ids, counted = declared(self._session.feed, self._spec.name), _Ids(), 0
        writer = Writer(self._spec.name, found)
        with opened(self._session) as drop:
            chosen = arrivals(drop.files(), found, self._window, self._session.clock(), self._session.notes)
            for arrival in chosen:
                with reading(drop, arrival.file, found) as reader:
                    lines = (writer.line(arrival.file.name, arrival.at, row) for row in reader)
                    yield from self._pages(lines, ids if found.kind == "full" else None, writer)
                    counted += reader.counted
        self._vendor_count = counted
        # A row that cannot be read may be any of those that are known: then nothing is found gone.
        if found.kind == "full" and chosen and not writer.nameless:
            self._listing = Listing(ids.array())

    def _pages(self, lines: Iterator[tuple[bytes, str | None]], ids: _Ids | None, writer: Writer) -> Iterator[Page]:
        held: list[bytes] = []
        size = 0
        for line, key in lines:
            held.append(line)
            size += len(line)
            if ids is not None and key is not None:
                ids.add(key)
            if size > _PAGE:
                yield Page(b"".join(held), len(held), len(held))
                self._session.progress("landing", writer.records)
                held, size = [], 0
        if held:
            yield Page(b"".join(held), len(held), len(held))
            self._session.progress("landing", writer.records)


class _Ids:
    """Names of rows in Arrow's memory, which holds each in little more than its letters."""

    def __init__(self) -> None:
        self._arrays: list[pa.Array] = []
        self._last: list[str] = []

    def add(self, key: str) -> None:
        self._last.append(key)
        if len(self._last) == 50_000:
            self._flush()

    def array(self) -> pa.Array:
        self._flush()
        return pa.concat_arrays(self._arrays)

    def _flush(self) -> None:
        self._arrays.append(pa.array(self._last, pa.string()))
        self._last = []
