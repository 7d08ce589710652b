"""What a feed declares of its files: `settings` in, checked declarations out, or a sentence that names the key.

Column names are the retailer's: they are looked up as values and are never part of a statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from varai.canonical import entity
from varai.kernel import Feed, Misconfigured, Word
from varai.sources.files.streams import ENTITIES, SHOP

FORMATS: Final = {
    "csv": "csv",
    "tsv": "tsv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "parquet": "parquet",
    "xlsx": "xlsx",
}
"""Endings of names and what they promise; `.gz` may follow those of texts."""
Kind = TypeVar("Kind", bound=Word)
Format = Literal["csv", "tsv", "ndjson", "parquet", "xlsx"]
Encoding = Literal["utf-8", "utf-16", "latin-1", "cp1252"]
_DIRECTIVES: Final = re.compile(r"(?:[^%]|%[YymdbBHIMSfpzjae%-]|%-[mdHIM])+")


class Column(Word):
    """Where a field's text comes from: a column (or several, joined), or one value for all rows.

    Attributes:
        column: its name, as the file has it.
        columns: several, joined by `join`; for an address, an object of them.
        value: the same text in every row.
        values: what the file's texts mean; a text that is not among them is a fault of the row.
        dates: how dates of this column are written, where they differ from the stream's.
        split: what stands between the items of a list.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    join: str = " "
    value: str | None = None
    values: Mapping[str, str] = Field(default_factory=dict)
    dates: str | None = None
    split: str | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum([self.column is not None, bool(self.columns), self.value is not None]) != 1:
            raise ValueError("write exactly one of `column`, `columns` and `value`")
        if self.dates is not None:
            checked_dates(self.dates)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it is made of."""
        return (self.column,) if self.column is not None else self.columns


class Declared(Word):
    """One stream's files and what their columns are.

    Attributes:
        files: names below the feed's folder, with `*` and `?`.
        kind: "full": a file is the whole state, and what it lacks is gone; "delta": it adds and changes.
        format: by the name's ending where it is left out.
        encoding: of texts; a byte order mark of UTF-8 is allowed, one of UTF-16 is needed.
        delimiter, quote: of CSV and TSV; no quote: "".
        header: the names of columns, where files have no row of them.
        sheet: of a workbook; its first where it is left out.
        each: of NDJSON, the list whose items are the rows; what stands beside it belongs to each of them.
        decimal, thousands, symbol: how numbers are written: "1.234,50 €" has ",", "." and "€".
        dates: how dates are written, as strptime names it; ISO 8601 is always understood.
        timezone: of times without one; the shop's where it is left out.
        nulls: texts that say that there is nothing, beside the empty one.
        dated: how the name says which day the file tells of, `{date}` and strptime's letters; else it is when it was written.
        settle_s: for how long a file must not have been written to before it is read.
        done: ending of an empty file that is laid beside a file when it is whole; none is read without it.
        id: the columns that name a row.
        subject: the column that says whom a row is about, where no field does.
        fields: canonical field -> column.
    """

    files: str
    kind: Literal["full", "delta"]
    format: Format | None = None
    encoding: Encoding = "utf-8"
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    header: tuple[str, ...] = ()
    sheet: str | None = None
    each: str | None = None
    decimal: Literal[".", ","] = "."
    thousands: str = Field(default="", max_length=1)
    symbol: str = ""
    dates: str | None = None
    timezone: str | None = None
    nulls: tuple[str, ...] = ()
    dated: str | None = None
    settle_s: int = Field(default=60, ge=0)
    done: str | None = Field(default=None, min_length=1)
    id: tuple[str, ...] = Field(min_length=1)
    subject: str | None = None
    fields: Mapping[str, str | Column]

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.files.startswith("/") or ".." in PurePosixPath(self.files).parts:
            raise ValueError("`files` names files below the feed's own folder")
        if self.thousands and self.thousands in (self.decimal, *"0123456789+-"):
            raise ValueError("`thousands` must differ from `decimal`")
        if self.dates is not None:
            checked_dates(self.dates)
        if self.dated is not None and not re.search("%[Yyj]", self.dated):
            raise ValueError("`dated` must name a year, as in products-%Y%m%d.csv")
        return self

    def column(self, field: str) -> Column | None:
        """Where a field comes from."""
        found = self.fields.get(field)
        return Column(column=found) if isinstance(found, str) else found

    @cached_property
    def names(self) -> frozenset[str]:
        """Every column that is used."""
        named = {name for field in self.fields for name in (self.column(field) or Column(value="")).names}
        return frozenset({*named, *self.id, *([self.subject] if self.subject else [])})


class ShopRecord(Word):
    """What the settings say of the shop itself."""

    name: str
    currency: str
    timezone: str
    country: str | None = None
    domain: str | None = None
    taxes_included: bool = False


def checked_dates(text: str) -> str:
    """A way of writing dates, if it is one; raises ValueError."""
    if not _DIRECTIVES.fullmatch(text) or "%" not in text:
        raise ValueError(f"'{text}' says nothing of how a date is written; an example is %d/%m/%Y")
    return text


def declared(feed: Feed, stream: str) -> Declared:
    """A stream's declaration. Raises Misconfigured where there is none, or it is wrong, naming the key."""
    found = feed.settings.get("streams", {}).get(stream)
    if found is None:
        raise Misconfigured(
            f"Feed {feed.key} declares no files of {stream}.", f"Write settings.streams.{stream} into the feed."
        )
    checked = _checked(feed, f"settings.streams.{stream}", Declared, found)
    known = {field.name for field in entity(ENTITIES[stream]).fields}
    unknown = sorted(checked.fields.keys() - known)
    if unknown:
        raise Misconfigured(
            f"Feed {feed.key}: settings.streams.{stream}.fields names {', '.join(unknown)}, which {ENTITIES[stream]} does not have.",
            "docs/reference/entities.md lists the fields.",
        )
    return checked


def declared_names(feed: Feed) -> frozenset[str]:
    """Streams the feed has. Raises Misconfigured for a name that no stream has."""
    names = frozenset(feed.settings.get("streams", {}))
    unknown = sorted(names - (ENTITIES.keys() - {SHOP}))
    if unknown:
        raise Misconfigured(
            f"Feed {feed.key}: settings.streams names {', '.join(unknown)}.",
            f"Streams with files are {', '.join(name for name in ENTITIES if name != SHOP)}.",
        )
    return names | {SHOP}


def shop_record(feed: Feed) -> ShopRecord:
    """What the settings say of the shop. Raises Misconfigured."""
    return _checked(feed, "settings.shop", ShopRecord, feed.settings.get("shop", {}))


def _checked(feed: Feed, where: str, kind: type[Kind], found: Mapping[str, Any]) -> Kind:
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        found_wrong = error.errors(include_input=False, include_url=False)
        # Of a field that is a table and no text, what is wrong with the table is told.
        first = next((one for one in found_wrong if "str" not in one["loc"]), found_wrong[0])
        key = ".".join([where, *(str(part) for part in first["loc"] if part != "Column")])
        raise Misconfigured(
            f"Feed {feed.key}: {key}: {first['msg']}.", "docs/how-to/drop-files.md has examples."
        ) from error
