"""Laws of erasure: due in a month, withheld from the first moment, done only when nothing is left anywhere."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.kernel import Malformed, Scope
from varai.privacy import Finding, Ledger, Personal, Pseudonyms, Vault, audit, erase, where
from varai.privacy.ledger import a_month_after


class Shelf:
    """A place whose rows are named by subjects; it may refuse to let go."""

    name = "shelf"

    def __init__(self, *subjects: str, stuck: bool = False) -> None:
        self.subjects, self.stuck = list(subjects), stuck

    def find(self, subject: str) -> Iterable[Finding]:
        rows = self.subjects.count(subject)
        return [Finding("shelf", "shelf/1", rows)] if rows else []

    def erase(self, subject: str) -> None:
        if not self.stuck:
            self.subjects = [one for one in self.subjects if one != subject]


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 - Hypothesis adds the zone
def test_a_request_is_due_on_the_same_day_of_the_next_month_or_its_last(at: datetime) -> None:
    due = a_month_after(at)
    assert 28 <= (due - at).days <= 31
    assert (due.year * 12 + due.month) - (at.year * 12 + at.month) == 1
    assert due.day == min(at.day, calendar.monthrange(due.year, due.month)[1])
    assert due.time() == at.time()


def test_the_ledger_knows_the_erased_by_their_vendor_ids(scope: Scope) -> None:
    assert not Ledger(scope).contains_any()
    assert Ledger(scope).erased("shop", ["1", "2"]) == set()
    entry = Ledger(scope).add(Pseudonyms(scope).of("shop", "1"), "asked by letter", datetime(2026, 1, 31, tzinfo=UTC))
    assert entry.due_at == datetime(2026, 2, 28, tzinfo=UTC)
    assert entry.overdue(datetime(2026, 3, 1, tzinfo=UTC))
    assert Ledger(scope).contains_any()
    assert Ledger(scope).erased("shop", ["1", "2"]) == {"1"}
    assert Ledger(scope).erased("other", ["1", "2"]) == set()


def test_asking_twice_moves_no_date_and_asking_without_a_reason_is_refused(scope: Scope) -> None:
    first = Ledger(scope).add("a", "asked by letter", datetime(2026, 1, 1, tzinfo=UTC))
    assert Ledger(scope).add("a", "asked again") == first
    with pytest.raises(Malformed):
        Ledger(scope).add("b", " ")


def test_a_dry_run_tells_every_place_and_changes_nothing(scope: Scope) -> None:
    shelf = Shelf("a", "b", "a")
    Vault(scope).put([Personal("a", {"email": "ada@example.com"}, None)])
    report = erase(scope, "a", [shelf], reason="asked by letter")
    assert [(one.place, one.rows) for one in report.found] == [("vault", 1), ("shelf", 2)]
    assert not report.complete
    assert where(scope, "a", [shelf]) == report.found
    assert not Ledger(scope).contains_any()
    assert audit.entries(scope) == []


def test_an_erasure_empties_every_place_and_is_audited(scope: Scope) -> None:
    shelf = Shelf("a", "b")
    Vault(scope).put([Personal("a", {"email": "ada@example.com"}, None)])
    report = erase(scope, "a", [shelf], reason="asked by letter", dry_run=False)
    assert report.complete
    assert report.entry is not None
    assert report.entry.status == "done"
    assert where(scope, "a", [shelf]) == ()
    assert shelf.subjects == ["b"]
    assert [one.action for one in audit.entries(scope)] == ["erasure.done", "erasure.begun"]
    assert audit.verify(scope) is None


def test_an_erasure_that_leaves_something_stays_open_until_it_is_called_again(scope: Scope) -> None:
    shelf = Shelf("a", stuck=True)
    report = erase(scope, "a", [shelf], reason="asked by letter", dry_run=False)
    assert not report.complete
    assert [entry.status for entry in Ledger(scope).entries("open")] == ["open"]
    shelf.stuck = False
    assert erase(scope, "a", [shelf], reason="asked by letter", dry_run=False).complete
    assert Ledger(scope).entries("open") == []
