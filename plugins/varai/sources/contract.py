"""What the river asks of a connector: streams, sessions, pages in, and counts, deletions and a report out.

In: a feed, its secret and token store, a stream's name and a window. Out: NDJSON pages as the vendor wrote the records,
the vendor's own count of them, deletions, and typed errors only. A connector does I/O and nothing else: it never maps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, NamedTuple, Protocol, runtime_checkable

from varai.kernel import Feed, Misconfigured, Window, utc_now

if TYPE_CHECKING:
    import pyarrow as pa

    from varai.canonical.mapping import Mapping as EntityMapping

Census = Literal["exact", "ids"]
"""Where a stream's vendor count comes from: the vendor's own exact count, or a second pass over ids."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a stream, as the vendor wrote them.

    Attributes:
        lines: NDJSON: each line one JSON object, ended by a newline.
        records: vendor records, that is root lines.
        count: all lines, children included.
    """

    lines: bytes
    records: int
    count: int


class Deletion(NamedTuple):
    """The vendor says that this row is gone."""

    entity: str
    source_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """The ids a stream has at the vendor now, whatever the window: a known record that is not among them is gone.

    Attributes:
        ids: source ids of root records, an Arrow array of text.
        vendor_count: the most the vendor counted beside it; None where it gives no count.
        horizon: ids are numbers that grow, and records with a smaller one are out of sight, not gone; None: all are in sight.
    """

    ids: pa.Array
    vendor_count: int | None = None
    horizon: int | None = None


class EarlierZone(NamedTuple):
    """An IANA time zone that a shop had before: it dates what happened before `until`."""

    timezone: str
    until: datetime


class ShopFacts(NamedTuple):
    """What a mapping must know of the shop: ISO 4217 currency of its books, IANA time zone, and the zones before it, oldest first."""

    currency: str
    timezone: str
    earlier: tuple[EarlierZone, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One entity family of a connector.

    Attributes:
        name: stream name, a slug.
        primary: entity of a root record; status counts vendor records by the fate of this row.
        entities: all entities its records map to, the primary one first.
        sealed: landing, staging and quarantine objects of it are encrypted.
        needs_scopes: permissions it cannot be read without.
        census: where its vendor count comes from.
        subject_path: path of the data subject's id in a root line; None: its records are about nobody.
        withheld: an erased subject's record is withheld whole (True), or the paths in `redact` are set to null (False).
        redact: JSON paths that identify a person; in a path "[]" stands for every item of a list.
        incremental: False: the vendor cannot filter it by time, so every read is whole whatever the window's start.
        listed: the vendor tells no deletes of it in a window: now and then its ids are listed and compared.
        dated: what comes may be older than what is known, as its own dates say; it never replaces it then.
        optional: a shop may lack what it is about, or not let us see it: then it is empty, which fails nothing and deletes nothing.
    """

    name: str
    primary: str
    entities: tuple[str, ...]
    sealed: bool = False
    needs_scopes: tuple[str, ...] = ()
    census: Census = "exact"
    subject_path: tuple[str, ...] | None = None
    withheld: bool = False
    redact: tuple[tuple[str, ...], ...] = ()
    incremental: bool = True
    listed: bool = False
    dated: bool = False
    optional: bool = False


ORDER_ENTITIES: Final = (
    "order",
    "order_line",
    "tax_line",
    "shipping_line",
    "discount_allocation",
    "transaction",
    "refund",
    "refund_line",
)
"""What orders map to, where a vendor gives all of it."""


class TokenStore(Protocol):
    """The sealed token store of one feed; tokens that rotate are written back by compare-and-swap."""

    def get(self) -> tuple[dict[str, Any] | None, Any]:
        """The stored tokens, None when there are none, and their version."""
        ...

    def swap(self, tokens: Mapping[str, Any], version: Any) -> Any:
        """Replace what has this version and return the new version; raises Conflict when somebody wrote first."""
        ...


class DroppedFile(NamedTuple):
    """A file as its folder lists it: its name below the feed's folder, its bytes, and when it was written last, UTC."""

    name: str
    size: int
    modified_at: datetime


class Drop(Protocol):
    """A folder of files that the retailer writes and we only read: one feed's own, and nothing beside it."""

    def files(self) -> list[DroppedFile]:
        """What lies in it now, by name."""
        ...

    def stat(self, name: str) -> DroppedFile | None:
        """One file as it is now, None when it has gone."""
        ...

    def open(self, name: str) -> BinaryIO:
        """A file that can be read from anywhere, to be closed by the caller; raises FileNotFoundError."""
        ...


class Notes(Protocol):
    """What a connector remembers of a stream from one read to the next; replaced by compare-and-swap, under the run's lease."""

    def get(self) -> tuple[dict[str, Any] | None, Any]:
        """The notes, None when there are none, and their version."""
        ...

    def swap(self, notes: Mapping[str, Any], version: Any) -> None:
        """Replace what has this version; raises Conflict when somebody wrote first or holds a newer lease."""
        ...


def _silent(step: str, records: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Session:
    """A feed with all that is needed to speak to its vendor. May be shared by threads that read different streams.

    Attributes:
        feed: whose data is read.
        base_url: the vendor's address, without a slash at its end.
        secret: gives the feed's secret as JSON text when called: {"client_id", "client_secret"}, with "refresh_token"
            where the vendor rotates tokens, or {"access_token"}.
        tokens: where tokens that expire are kept.
        progress: told ("counted", the vendor's exact count) where it is known before the first page, then ("landing", records
            so far).
        clock: the present instant, UTC.
        sleep: waits that many seconds; pacing and polling use it.
        drop: the feed's folder in its region's bucket.
        notes: what is remembered of the stream; None where nothing may be written, as before a first run.
    """

    feed: Feed
    base_url: str
    secret: Callable[[], str] = field(repr=False)
    tokens: TokenStore = field(repr=False)
    progress: Callable[[str, int], None] = field(default=_silent, repr=False)
    clock: Callable[[], datetime] = field(default=utc_now, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    drop: Drop | None = field(default=None, repr=False)
    notes: Notes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FeedReport:
    """What `varai feeds check` finds before a first run.

    Attributes:
        scopes_granted: permissions the vendor gave.
        scopes_missing: permissions a stream needs and does not have.
        history_from: creation of the earliest order the vendor shows; None where there is none.
        api_version: the version the vendor answered with.
        rate_tier: the vendor's rate limit, as a sentence.
        clock_skew_s: the vendor's clock minus ours, seconds.
        problems: sentences with their cure; empty when the feed can run.
    """

    scopes_granted: tuple[str, ...]
    scopes_missing: tuple[str, ...]
    history_from: datetime | None
    api_version: str
    rate_tier: str
    clock_skew_s: float
    problems: list[str]


@runtime_checkable
class Extraction(Protocol):
    """One read of a stream for a window: iterate it once for its pages; then the counts are there.

    A record whose (id, updated at) was seen before is left out; two versions of one id may both come.
    Raises only the typed errors of `varai.kernel`; whoever stops early has nothing to clean up.
    """

    @property
    def vendor_count(self) -> int | None:
        """The vendor's count of records in the window; None before the pages are exhausted."""
        ...

    @property
    def deletions(self) -> tuple[Deletion, ...]:
        """What the vendor says was deleted in the window; a whole read gives none, for what it lacks does not exist."""
        ...

    @property
    def listing(self) -> Listing | None:
        """The stream's ids, when they were asked for or what the vendor deleted calls for them; they are read after the pages."""
        ...

    @property
    def query_hash(self) -> str:
        """Hash of the questions asked, windows and cursors left out: it moves when the selection does."""
        ...

    def __iter__(self) -> Iterator[Page]:
        """The pages; raises Throttled, Unauthorised, Malformed, Gone, Unavailable or Unbalanced."""
        ...


@runtime_checkable
class Connector(Protocol):
    """A package under `varai.sources` exposes one of these as CONNECTOR."""

    @property
    def name(self) -> str:
        """The folder's name, which a feed gives as its `connector`."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever what is landed may change."""
        ...

    @property
    def streams(self) -> tuple[StreamSpec, ...]:
        """What can be read, in the order in which it is read."""
        ...

    @property
    def secret_fields(self) -> tuple[tuple[str, ...], ...]:
        """The sets of keys a feed's secret may have; one of them must be complete."""
        ...

    def check(self, session: Session) -> FeedReport:
        """Ask the vendor what this feed may read; raises typed errors when it cannot even be asked."""
        ...

    def extract(self, session: Session, stream: str, window: Window, *, listing: bool = False) -> Extraction:
        """Prepare a read of one stream, with a listing of its ids if that is asked for.

        Nothing is requested before the first page. Misconfigured: no such stream.
        """
        ...

    def count(self, session: Session, stream: str, window: Window) -> int | None:
        """How many records of the window the vendor counts now, exactly and without limit; None where it gives no such count.

        Raises Throttled, Unauthorised, Malformed, Gone or Unavailable.
        """
        ...

    def subject_id(self, given: str) -> str:
        """A data subject's id as its records carry it, of one as people copy it from the vendor; raises Misconfigured for no such id."""
        ...

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> EntityMapping:
        """How the stream's lines become canonical entities; pure."""
        ...


@runtime_checkable
class Declaring(Protocol):
    """A connector whose feeds each have streams of their own."""

    def streams_of(self, feed: Feed) -> tuple[StreamSpec, ...]:
        """Those of the connector's streams that this feed has. Raises Misconfigured."""
        ...


def streams_of(connector: Connector, feed: Feed) -> tuple[StreamSpec, ...]:
    """The streams a feed has: all of its connector's, where that does not tell them apart."""
    return connector.streams_of(feed) if isinstance(connector, Declaring) else connector.streams


class Sample(NamedTuple):
    """The first records a stream would read, for whoever declares what they are.

    Attributes:
        of: what they are from, in words.
        lines: as they would be landed.
        places: of each line, where it stands there.
        texts: of each line, what its columns hold; empty where it cannot be trusted.
        origins: canonical field -> the columns it is made of.
    """

    of: str
    lines: bytes
    places: tuple[str, ...]
    texts: tuple[Mapping[str, str], ...]
    origins: Mapping[str, tuple[str, ...]]


@runtime_checkable
class Sampling(Protocol):
    """A connector whose feeds declare what columns are, and may look at that before anything is landed."""

    def sample(self, session: Session, stream: str, rows: int) -> Sample | None:
        """The first rows; None where there is nothing to read yet. Raises what an extraction raises."""
        ...


def stream_spec(connector: Connector, stream: str) -> StreamSpec:
    """Look a stream up by name; raises Misconfigured, naming those there are."""
    for spec in connector.streams:
        if spec.name == stream:
            return spec
    known = ", ".join(spec.name for spec in connector.streams)
    raise Misconfigured(f"The connector '{connector.name}' has no stream '{stream}', known: {known}.")


def missing_scopes(streams: Sequence[StreamSpec], granted: Sequence[str]) -> tuple[str, ...]:
    """The permissions that streams need and were not given, sorted."""
    return tuple(sorted({scope for spec in streams for scope in spec.needs_scopes} - set(granted)))


def chosen_streams(connector: Connector, feed: Feed, names: Sequence[str] | None) -> tuple[StreamSpec, ...]:
    """The feed's streams of these names, or all, in the connector's order; raises Misconfigured for a name there is not."""
    chosen = None if names is None else [stream_spec(connector, name) for name in names]
    return tuple(spec for spec in streams_of(connector, feed) if chosen is None or spec in chosen)
