"""Shapes of the answers, for the OpenAPI document; answers are written without them, and tests hold the two together."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Amount = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?$", description="major units, as decimal text")]


class Shape(BaseModel):
    """An object with these members and no others."""

    model_config = ConfigDict(extra="forbid")


class Fault(Shape):
    """A parameter that is wrong."""

    where: str
    what: str


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 says."""

    type: str = Field(description="the kind of problem; explained on /docs")
    title: str
    status: int
    detail: str
    request_id: str = Field(description="name it when you ask us about this answer")
    errors: list[Fault] = Field(default=[], description="which parameters are wrong")
    error: str | None = Field(default=None, description="the code of RFC 6749, on requests for tokens")


class Token(Shape):
    """A token (RFC 6749 section 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="seconds it lives")
    scope: str = Field(description="what it may read, separated by spaces")


class PublicKey(Shape):
    """A key that checks tokens (RFC 7517)."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str
    kid: str
    use: Literal["sig"]
    alg: Literal["ES256"]


class KeySet(Shape):
    """The region's keys: the next, the current, and previous ones until their tokens have ended."""

    keys: list[PublicKey]


class Health(Shape):
    """How the process is."""

    status: Literal["alive", "ready"]
    region: str


class _Listed(Shape):
    id: str
    updated_at: datetime | None
    score: float | None = Field(description="quality, 0 to 100")
    stale: list[str] | bool | None = Field(description="why a newer version was not taken, where one was kept back")


class Variant(_Listed):
    """What is sold: one colour and size of a product. Prices are decimal text in major units."""

    title: str | None
    sku: str | None
    gtin: str | None
    price: Amount | None
    compare_at: Amount | None
    currency: str | None
    sort_order: int | None
    colour: str | None
    size_label: str | None
    lens_width_mm: Amount | None
    bridge_mm: Amount | None
    temple_mm: Amount | None
    lens_height_mm: Amount | None
    frame_width_mm: Amount | None
    weight_g: Amount | None


class Image(_Listed):
    """A picture of a product."""

    url: str | None = Field(description="https or http; null where the shop gave another kind of address")
    alt: str | None
    width_px: int | None
    height_px: int | None
    sort_order: int | None


class Product(_Listed):
    """What a shopper chooses. Texts are plain and to be escaped by whoever shows them; `description_html` is safe HTML."""

    feed: str
    title: str | None
    handle: str | None
    description_html: str | None
    brand: str | None
    product_type: str | None
    status: str | None
    tags: list[str] | None
    frame_shape: str | None
    rim: str | None
    material: str | None
    rx_able: bool | None
    polarised: bool | None
    uv_category: int | None
    gift_card: bool | None
    created_at: datetime | None
    published_at: datetime | None
    variants: list[Variant]
    images: list[Image]


class Products(Shape):
    """A page of products in order of identity."""

    tenant: str
    items: list[Product]
    next: str | None = Field(description="pass it as `after` for the next page; null on the last one")


class Covers(Shape):
    """Dates of the shop's zone, both included."""

    from_: date = Field(alias="from")
    to: date | None = Field(
        description="the date on which `complete_until` falls, or the last one asked for; null: not known"
    )


class Kept(Shape):
    """How many of a kind are in no figure, with their value where it is known."""

    count: int
    value_minor: dict[str, int] = Field(description="minor units by currency")
    value: dict[str, Amount] = Field(description="the same in major units")
    unknown_value: int = Field(description="how many of them have a value nobody can tell")


class Withheld(Shape):
    """What could not be read and is in no figure, over the whole history and not only the dates asked for. The members about
    orders stand at the top; one whose last good version is in the figures is not counted.
    """

    orders: int = Field(description="orders withheld, with all that hangs on them")
    value_minor: dict[str, int] = Field(description="their value in minor units by currency")
    value: dict[str, Amount] = Field(description="the same in major units")
    unknown_value: int = Field(description="how many of them have a value nobody can tell")
    order_lines: Kept = Field(description="lines of orders that are in the figures, after discounts")
    refunds: Kept = Field(description="refunds of orders that are in the figures, with all that was given back")
    refund_lines: Kept = Field(description="goods given back that are unreadable, or whose own sale is withheld")
    returns: Kept = Field(description="refunds of withheld orders: they reduce no figure")
    unmappable: int = Field(description="records, or parts of them, that could not be read at all")


class Definition(Shape):
    """What a column means."""

    name: str
    version: int
    title: str
    definition: str
    unit: Literal["major", "count"] = Field(description="of the column; `<name>_minor` has an amount in minor units")
    source: str


class SalesRow(Shape):
    """A period of one currency."""

    period: date = Field(description="first date of the period")
    currency: str
    orders: int
    units: int
    gross: Amount
    discounts: Amount
    returns: Amount
    net: Amount
    tax: Amount
    shipping: Amount
    total: Amount
    gross_minor: int
    discounts_minor: int
    returns_minor: int
    net_minor: int
    tax_minor: int
    shipping_minor: int
    total_minor: int


class SalesReport(Shape):
    """A tenant's sales."""

    tenant: str
    feed: str | None
    grain: Literal["day", "week", "month"]
    from_: date = Field(alias="from")
    to: date
    covers: Covers | None = Field(
        description="of which of the dates asked for everything is known; null: of none. A row after it may lack sales"
    )
    complete_until: datetime | None = Field(
        description="up to when the orders of every feed asked for had been read; null: not known, or one was never read"
    )
    complete_by_feed: dict[str, datetime | None]
    as_of: datetime = Field(description="when these contents were first seen as they are")
    history_from: datetime | None = Field(
        description="the earliest sale known; what was before it is not zero but unknown"
    )
    history_by_feed: dict[str, datetime]
    snapshot: str
    withheld: Withheld
    definition: dict[str, Definition] = Field(description="what each column means, by name")
    rows: list[SalesRow]


class EntityCounts(Shape):
    """Rows of an entity in a slice."""

    mapped: int
    published: int
    quarantined: int
    unchanged: int
    superseded: int


class Compared(Shape):
    """What a comparison found."""

    at: datetime
    differences: int = Field(description="0: all places agreed")
    sentences: list[str] = Field(description="the first differences, by key; people by their pseudonyms")


class Comparisons(Shape):
    """The last comparison of each kind; null: there was none."""

    counts: Compared | None = Field(description="every night: how many records each place has, the shop among them")
    rows: Compared | None = Field(description="at least once a week: every row by its content, place by place")


class StreamState(Shape):
    """The most recent slice of a stream, counted in the vendor's records; counts are null where it was never read."""

    stream: str
    vendor_count: int | None
    landed: int | None
    published: int | None
    quarantined: int | None
    unchanged: int | None
    superseded: int | None
    unmappable: int | None
    erased: int | None
    tombstoned: int | None
    entities: dict[str, EntityCounts]
    balanced: bool | None = Field(
        description="whether every record of the vendor's count has a fate; null: the stream was never read"
    )
    settled: bool
    watermark: datetime | None = Field(description="up to when the stream is complete")
    lag_s: float | None = Field(description="seconds since then")
    in_sync_as_of: datetime | None = Field(
        description="the watermark, if the last comparison of each kind found no difference; null: one did, or it was never read"
    )
    oldest_unsynced_at: datetime | None = Field(
        description="the oldest change that is not here, or may not be: a comparison missed it, or a slice is unfinished; null: none"
    )
    compared: Comparisons
    lag_p50_s: float | None = Field(
        description="seconds from a change at the shop until catalogue and warehouse had it: of half the changes at most so many."
        " Over the last slices that brought changes; null: none did, or the shop does not date them"
    )
    lag_p95_s: float | None = Field(description="the same of 95 in 100 changes")
    lag_max_s: float | None = Field(description="the same of all")
    promised_s: float | None = Field(description="the freshness that is promised for this connection")
    kept: float | None = Field(description="share of those slices that kept it with all their changes, 0 to 1")


class FeedStatus(Shape):
    """A connection to a shop."""

    feed: str
    connector: str
    state: str = Field(description="never run, ok, backfilling, throttled, needs reauthorisation, failing or paused")
    percent: int | None = Field(description="of a first read: how much has landed; null where that is not counted")
    since: datetime | None
    cure: str = Field(description="what to do about it; empty when nothing needs doing")
    history_from: datetime | None = Field(
        description="the earliest sale in the snapshot; what was before it is not zero but unknown"
    )
    snapshot_compared: Compared | None = Field(
        description="what the last comparison of rows found of this connection in the snapshot"
    )
    streams: list[StreamState]


class SyncStatus(Shape):
    """How far a tenant's data have come."""

    tenant: str
    snapshot: str | None = Field(description="what reports are made from; null: nothing is published yet")
    feeds: list[FeedStatus]


class Recommended(Shape):
    """An item of an answer."""

    feed: str
    product: str
    score: float = Field(description="comparable within one answer alone")
    reason: Literal["bought_together", "similar_to_viewed", "popular_now", "similar_attributes", "new_arrival"]
    explored: bool = Field(description="true: chance put it here")


class Recommendations(Shape):
    """What to show, and what it was made from. Items are in order; explored ones stand last."""

    tenant: str
    model: str
    version: str
    floor: bool = Field(description="true: what is popular is served, because nothing was found to be better")
    snapshot: str = Field(description="what the model learned from")
    as_of: datetime
    stale: bool = Field(description="true: registry or catalogue cannot be read, and this may be behind them")
    answer_id: str = Field(description="with it this answer can be recomputed")
    items: list[Recommended]


class ServedModel(Shape):
    """A model that answers."""

    model: str
    version: str
    candidate: str = Field(description="how it relates products")
    floor: bool
    snapshot: str
    as_of: datetime
    trained_at: datetime
    metric: str = Field(description="what it scored on the test window")
    metric_of_floor: str = Field(description="what the floor scored on the same")
    decision: str = Field(description="why it serves")
    items: int = Field(description="products it knows")
    stale: bool


class Models(Shape):
    """The models that answer for a tenant."""

    tenant: str
    models: list[ServedModel]


class ToldEvent(Shape):
    """One thing a visitor did."""

    id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="the connection's own; kept once")
    kind: Literal["view", "try_on", "add_to_cart"]
    feed: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    product: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    subject: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$", description="pseudonym of a customer")
    at: AwareDatetime = Field(description="when, from the year 2000 until a day from now")
    consent: bool = Field(description="whether the visitor agreed; without, the event is counted and dropped")


class EventBatch(Shape):
    """Events of one shop."""

    events: list[ToldEvent] = Field(min_length=1, max_length=500)


class EventsTaken(Shape):
    """What became of a batch."""

    tenant: str
    landed: int
    duplicate: int = Field(description="known before, or twice in the batch")
    without_consent: int
    withheld: int = Field(description="of people who asked to be forgotten")
