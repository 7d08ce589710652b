"""What a feed's declarations make of its first rows: mapped and judged in memory, and nothing is written anywhere.

In: a feed whose connector can give a sample. Out: per stream, each canonical field with the columns it is made of, and per row the text,
the value, and why the row would be kept back. What identifies a person is named and not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import pyarrow as pa

from varai import sources
from varai.canonical import entity as canonical_entity
from varai.canonical.mapper import map_lines
from varai.canonical.mapping import UNMAPPABLE
from varai.canonical.mapping import Mapping as EntityMapping
from varai.gate import Suite, judge, load_suites
from varai.kernel import Feed, FeedKey, Misconfigured, VaraiError
from varai.registry import feed as find_feed
from varai.river.context import session
from varai.river.judged import missing
from varai.settings import Settings
from varai.sources.contract import Sample, Sampling, ShopFacts, StreamSpec, chosen_streams

KEPT: Final = "(kept from view)"


@dataclass(frozen=True, slots=True)
class PreviewedRow:
    """A row: where it stands, field -> (text, value), why it would be quarantined, and what it would be flagged with."""

    place: str
    fields: Mapping[str, tuple[str, Any]]
    reasons: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StreamPreview:
    """A stream: what it would be read from (None: nothing is ready), field -> columns, and its first rows; or why there are none."""

    stream: str
    of: str | None
    origins: Mapping[str, tuple[str, ...]]
    rows: tuple[PreviewedRow, ...]
    problem: str = ""


def preview(settings: Settings, region: str, key: FeedKey, *, rows: int) -> Iterator[StreamPreview]:
    """The first `rows` of each stream of a feed, stream by stream.

    Raises:
        Misconfigured: there is no such feed, its connector declares nothing, or what it says of its shop is wrong.
    """
    scope = settings.scope(region, key.tenant)
    feed = find_feed(scope, key)
    connector = sources.connector(feed.connector)
    if not isinstance(connector, Sampling):
        raise Misconfigured(
            f"The fields of {feed.connector} are known: feed {key} declares none.", "Run `varai feeds check` for it."
        )
    asking = session(settings, scope, feed, lambda step, count: None)
    suites = load_suites(settings.expectations)
    facts = ShopFacts("XXX", "UTC")
    for spec in chosen_streams(connector, feed, None):
        try:
            sample = connector.sample(asking, spec.name, rows)
            if sample is None:
                yield StreamPreview(spec.name, None, {}, ())
                continue
            found = _rows(spec, sample, connector.mapping(spec.name, feed, facts), suites.get(spec.primary))
        except VaraiError as error:  # the next stream may be well
            yield StreamPreview(spec.name, None, {}, (), str(error))
            continue
        if spec.name == "shop":
            facts = _facts(feed, found)
        yield StreamPreview(spec.name, sample.of, _origins(spec, sample, found), found)


def _facts(feed: Feed, rows: tuple[PreviewedRow, ...]) -> ShopFacts:
    for row in rows:
        if not row.reasons:
            return ShopFacts(row.fields["currency"][1], row.fields["timezone"][1])
    raise Misconfigured(f"Feed {feed.key} says nothing of its shop that can be used.", "Correct settings.shop.")


def _origins(spec: StreamSpec, sample: Sample, rows: tuple[PreviewedRow, ...]) -> dict[str, tuple[str, ...]]:
    """The fields that are declared, and those that got a value without."""
    names = [field.name for field in canonical_entity(spec.primary).fields]
    given = {name for row in rows for name, (_, value) in row.fields.items() if value not in (None, [])}
    return {name: sample.origins.get(name, ()) for name in names if name in sample.origins or name in given}


def _rows(spec: StreamSpec, sample: Sample, mapping: EntityMapping, suite: Suite | None) -> tuple[PreviewedRow, ...]:
    batches: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in map_lines(iter([sample.lines]), mapping):
        batches.setdefault(name, []).append(batch)
    found: dict[int, PreviewedRow] = {}
    for batch in batches.get(UNMAPPABLE, []):
        for row in batch.to_pylist():
            found[row["position"]] = PreviewedRow(sample.places[row["position"]], {}, (row["reason"],), ())
    if spec.primary in batches:
        for row in _judged(spec.primary, pa.Table.from_batches(batches[spec.primary]), suite):
            place, texts = sample.places[row["position"]], sample.texts[row["position"]]
            fields = {
                field.name: _shown(field.data_class, sample.origins.get(field.name, ()), texts, row[field.name])
                for field in canonical_entity(spec.primary).fields
            }
            found[row["position"]] = PreviewedRow(place, fields, tuple(row["reasons"]), tuple(row["flags"]))
    return tuple(found[position] for position in sorted(found))


def _shown(data_class: str, columns: tuple[str, ...], texts: Mapping[str, str], value: Any) -> tuple[str, Any]:
    if data_class in ("personal", "health"):
        return (KEPT, KEPT) if value is not None else ("", None)
    return " | ".join(texts.get(name, "") for name in columns), value


def _judged(name: str, rows: pa.Table, suite: Suite | None) -> list[dict[str, Any]]:
    """The rows with reasons and flags; of several of one name the last is judged, as it alone would count."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("mapped", rows)
        con.execute(
            """
            CREATE TABLE newest AS SELECT * FROM mapped
            QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY position DESC) = 1
            """
        )
        if suite is None:
            verdict = f"SELECT position, {missing(name)} AS reasons, faults AS flags FROM newest"
        else:
            judge(con, suite, "newest", None, "failing")
            verdict = "SELECT position, reasons, flags FROM failing"
        statement = f"""
            SELECT m.*, CASE WHEN n.position IS NULL THEN [] ELSE coalesce(v.reasons, []) END AS reasons,
                   CASE WHEN n.position IS NULL THEN ['superseded'] ELSE coalesce(v.flags, []) END AS flags
            FROM mapped m LEFT JOIN newest n ON n.position = m.position LEFT JOIN ({verdict}) v ON v.position = m.position
            ORDER BY m.position
        """
        return list(con.execute(statement).to_arrow_table().to_pylist())
