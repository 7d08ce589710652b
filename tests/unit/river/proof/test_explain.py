"""Which differences of a row are explained, and which are differences: each law by the smallest row that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from varai.river.proof.explain import Held, Known, Row, Terms, explain

MARK = datetime(2026, 11, 1, tzinfo=UTC)
OLD = Held(1, "c1", "p1", MARK - timedelta(days=9), "b1", False)
FRESH = OLD._replace(content="c2", print="p2", at=MARK + timedelta(minutes=1))
SILENT = OLD._replace(content="c2", print="p2")
UNDATED = SILENT._replace(at=None)
KNOWN = Known("c1", "published", False, "m1", "b1")
STORES = ("catalogue", "warehouse")
TERMS = Terms(MARK + timedelta(hours=1), MARK, None, "m1", ())
ROW = Row("7", "7", KNOWN, OLD, OLD, OLD, OLD, MARK - timedelta(days=9), True, True, False, STORES)


def _absent(row: Row, *places: str) -> Row:
    return replace(row, **dict.fromkeys(places))  # type: ignore[arg-type]  # fields by their names


def test_a_row_that_is_everywhere_as_it_should_be_is_no_difference() -> None:
    assert explain(ROW, TERMS) == explain(ROW, replace(TERMS, as_of=None))
    assert (explain(ROW, TERMS).wrong, explain(ROW, TERMS).reason) == ({}, "")


@pytest.mark.parametrize(
    ("row", "terms", "reason"),
    [
        (replace(ROW, vendor=FRESH), TERMS, "changed"),
        (replace(ROW, vendor=UNDATED), TERMS, "changed"),
        (replace(ROW, vendor=SILENT), replace(TERMS, mapping="m2"), "mapped earlier"),
        (replace(ROW, vendor=SILENT, since=True), TERMS, "changed"),
        (_absent(replace(ROW, root_at=None, listed=False, since=True), "vendor"), TERMS, "changed"),
        (
            _absent(replace(ROW, known=KNOWN._replace(deleted=True), since=True), "landing", *STORES),
            TERMS,
            "changed",
        ),
        (replace(ROW, vendor=SILENT._replace(erased=True)), TERMS, "erased"),
        (replace(ROW, landing=SILENT._replace(erased=True)), TERMS, "erased"),
        (_absent(ROW, "vendor"), replace(TERMS, forgotten=("7",)), "erased"),
        (_absent(replace(ROW, root_at=None, listed=False), "vendor"), replace(TERMS, horizon=8), "out of sight"),
        (_absent(replace(ROW, root_at=FRESH.at), "vendor"), TERMS, "changed"),
        (_absent(replace(ROW, vendor=FRESH), "known", "landing", *STORES), TERMS, "changed"),
        (_absent(replace(ROW, known=KNOWN._replace(verdict="quarantined")), *STORES), TERMS, "quarantined"),
        (
            replace(ROW, known=KNOWN._replace(verdict="quarantined"), catalogue=SILENT, warehouse=SILENT),
            TERMS,
            "quarantined",
        ),
    ],
)
def test_what_may_differ_is_explained(row: Row, terms: Terms, reason: str) -> None:
    verdict = explain(row, terms)
    assert (verdict.wrong, verdict.reason) == ({}, reason)


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (_absent(replace(ROW, root_at=None, listed=False), "vendor"), {"vendor": "gone"}),
        (_absent(replace(ROW, root_id="1"), "vendor"), {"vendor": "gone"}),  # a part of a record that is there
        (_absent(ROW, "known", "landing", *STORES), {"landing": "missing"}),
        (_absent(ROW, "known", *STORES), {"known": "missing"}),
        (_absent(ROW, "known"), {"known": "missing"}),
        (replace(ROW, vendor=SILENT), {"landing": "stale"}),
        (replace(ROW, vendor=SILENT, landing=SILENT), {"known": "stale"}),
        (_absent(ROW, "landing"), {"landing": "missing"}),
        (_absent(ROW, "catalogue"), {"catalogue": "missing"}),
        (replace(ROW, catalogue=SILENT), {"catalogue": "stale"}),
        (replace(ROW, warehouse=OLD._replace(print="p9")), {"warehouse": "altered"}),
        (replace(ROW, warehouse=OLD._replace(n=2)), {"warehouse": "twice"}),
        (_absent(replace(ROW, known=KNOWN._replace(deleted=True)), "vendor"), dict.fromkeys(STORES, "extra")),
        (_absent(ROW, "vendor", "landing", "known", "warehouse"), {"catalogue": "extra"}),
    ],
)
def test_what_may_not_differ_is_named_by_its_place(row: Row, wrong: dict[str, str]) -> None:
    assert explain(row, TERMS).wrong == wrong


def test_what_landing_has_outlived_is_told_by_the_other_store() -> None:
    """Two stores that agree are believed; of two that do not, one is wrong, and both are written anew."""
    row = _absent(replace(ROW, kept=False), "landing")
    assert explain(row, TERMS).wrong == {}
    assert explain(replace(row, catalogue=OLD._replace(print="p9")), TERMS).wrong == {"catalogue": "altered"}


def test_without_the_vendor_the_other_places_are_compared_still() -> None:
    verdict = explain(_absent(ROW, "vendor", "warehouse"), replace(TERMS, as_of=None))
    assert verdict.wrong == {"warehouse": "missing"}
