"""A row that places hold differently: is that as it may be, or a difference? Pure: facts of the row in, a reason or what is wrong out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Held(NamedTuple):
    """A row as a place holds it: how often, and of one of its copies the content hash, the print, when it changed and its batch."""

    n: int
    content: str | None
    print: str | None
    at: datetime | None
    batch: str | None
    erased: bool | None


class Known(NamedTuple):
    """A row as the hashes have it."""

    content: str | None
    verdict: str
    deleted: bool
    mapping: str | None
    batch: str | None

    @property
    def passed(self) -> bool:
        """Whether catalogue and warehouse must have it as it is known."""
        return not self.deleted and self.verdict == "published"


@dataclass(frozen=True, slots=True)
class Row:
    """All that is known of a row.

    Attributes:
        root_at: when the vendor last changed the record that carries it, as read now.
        listed: whether the vendor lists that record's id; None where it lists none.
        kept: whether the batch it is known by is landed still.
        since: whether that batch was read after the vendor was asked for this comparison.
        places: those of catalogue and warehouse that hold such rows.
    """

    source_id: str
    root_id: str
    known: Known | None
    vendor: Held | None
    landing: Held | None
    catalogue: Held | None
    warehouse: Held | None
    root_at: datetime | None
    listed: bool | None
    kept: bool
    since: bool
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """What explains differences of a stream: when it was asked and until when it must be here, what is out of sight, how it is
    mapped, who is forgotten.
    """

    asked_at: datetime
    as_of: datetime | None
    horizon: int | None
    mapping: str
    forgotten: Collection[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, place by place; or, where nothing is, why the row may differ (empty: it does not)."""

    wrong: dict[str, str]
    reason: str = ""


def explain(row: Row, terms: Terms) -> Verdict:
    """Judge one row."""
    if row.source_id in terms.forgotten or row.root_id in terms.forgotten:
        return Verdict({}, "erased")  # `varai privacy where` proves that
    wrong: dict[str, str] = {}
    reasons = [_vendor(row, terms, wrong), _landing(row, terms, wrong)]
    if row.known is not None or (row.vendor is None and row.landing is None):
        reasons += [_store(row, place, wrong) for place in row.places]
    return Verdict(wrong, "" if wrong else next(filter(None, reasons), ""))


def _vendor(row: Row, terms: Terms, wrong: dict[str, str]) -> str:
    """Hold what is known against what the vendor has now."""
    known, vendor = row.known, row.vendor
    alive = known is not None and not known.deleted
    if terms.as_of is None or (vendor is None and not alive):
        return ""
    if alive and known is not None and vendor is not None and vendor.content == known.content:
        return ""
    if row.since:
        return "changed"
    if vendor is None:
        return _absent(row, terms, wrong)
    reason = _newer(vendor, known if alive else None, terms)
    if not reason:
        here = "known" if row.landing and row.landing.content == vendor.content else "landing"
        wrong[here] = "stale" if alive else "missing"
    return reason


def _newer(vendor: Held, known: Known | None, terms: Terms) -> str:
    """Why the vendor may have a row otherwise than it is known here; empty when nothing explains it."""
    if vendor.at is not None and terms.as_of is not None and vendor.at >= terms.as_of:
        return "changed"
    if known is None:
        return ""
    if vendor.at is None:  # such a record is read whole with every run: when it changed, nobody can tell
        return "changed"
    if vendor.erased:
        return "erased"
    return "mapped earlier" if known.mapping != terms.mapping else ""


def _absent(row: Row, terms: Terms, wrong: dict[str, str]) -> str:
    """A row that is known and that the vendor did not give."""
    if terms.horizon is not None and row.root_id.isdecimal() and int(row.root_id) < terms.horizon:
        return "out of sight"
    if terms.as_of is not None and row.root_at is not None and row.root_at >= terms.as_of:
        return "changed"  # the record came without it, and is newer than what is known
    if row.listed and row.root_at is None:
        return "changed"  # listed after it was read
    wrong["vendor"] = "gone"
    return ""


def _landing(row: Row, terms: Terms, wrong: dict[str, str]) -> str:
    """Hold what is known against what is landed."""
    known, landed = row.known, row.landing
    if known is None:
        if landed is not None:
            wrong.setdefault("known", "missing")
        return ""
    if known.deleted or not row.kept:
        return ""
    if landed is None:
        wrong.setdefault("landing", "missing")
    elif landed.content != known.content:
        if landed.erased:
            return "erased"
        if known.mapping != terms.mapping:
            return "mapped earlier"
        wrong.setdefault("known", "stale")
    return ""


def _store(row: Row, place: str, wrong: dict[str, str]) -> str:
    """Hold what a store has against what is known to have passed the gate."""
    known = row.known
    held: Held | None = getattr(row, place)
    if known is None or known.deleted:
        if held is not None:
            wrong[place] = "extra"
        return ""
    if held is not None and held.n > 1:
        wrong[place] = "twice"
    elif not known.passed:
        return "quarantined" if held is None or held.content != known.content else ""
    elif held is None:
        wrong[place] = "missing"
    elif held.content != known.content:
        wrong[place] = "stale"
    elif held.print != _print(row, place):
        wrong[place] = "altered"
    return ""


def _print(row: Row, place: str) -> str | None:
    """What the row's fields must be: as landing gives them; where that lacks the version, as the other store has them."""
    known = row.known
    for other in (row.landing, row.warehouse, row.catalogue):
        if other is not None and known is not None and other.content == known.content:
            return other.print
    held: Held | None = getattr(row, place)
    return held.print if held else None
