"""Data Docs ask nobody: whatever Great Expectations writes, no page fetches, links to or runs anything foreign."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pyarrow as pa
import pytest

from tests.conftest import REPOSITORY
from varai.gate import load_suites
from varai.gate.data_docs import own
from varai.gate.document import Oracle

ROWS = pa.table({"source_id": ["1", "2", "3"], "title": ["Round <b>frame</b>", None, "x" * 200]})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data Docs of three products, one of them without a title."""
    suite = load_suites(REPOSITORY / "expectations")["product"]
    rules = [rule for rule in suite.rules if rule.kwargs.get("column") == "title"]
    oracle = Oracle()
    failing = oracle.failing("product", rules, ROWS)
    assert any(failing.values())
    return oracle.publish(tmp_path_factory.mktemp("docs") / "site").parent


def test_no_page_fetches_or_runs_anything_foreign(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= 3  # the first page, a suite, a validation
    for page in pages:
        text = page.read_text()
        assert "<script" not in text
        assert re.findall(r'(?:src|href)="(?:https?:)?//', text) == []
        assert "@import" not in text


def test_the_first_page_counts_rows_and_leads_to_every_validation(site: Path) -> None:
    first = (site / "index.html").read_text()
    links = re.findall(r'href="([^"]+)"', first)
    assert len(links) == 1
    assert (site / links[0]).is_file()
    assert "<td class=n>3</td>" in first
    assert "class='n bad'>1<" in first
    assert "title" in (site / links[0]).read_text()


def test_own_keeps_what_the_page_says() -> None:
    page = '<html><head><link href="https://a/x.css"></head><body><script>alert(1)</script><p>kept</p><a href="https://b">b</a></body>'
    told = own(page, {})
    assert "<p>kept</p>" in told
    assert "https://" not in told


def test_a_column_derived_to_be_true_is_told_with_its_meaning_and_reason(tmp_path: Path) -> None:
    """The expectation itself says only that the value must be true."""
    suite = load_suites(REPOSITORY / "expectations")["refund"]
    rules = [rule for rule in suite.rules if rule.kwargs.get("value_set") == [True]]
    rows = pa.table({str(rule.kwargs["column"]): [True, False] for rule in rules})
    oracle = Oracle()
    oracle.failing("refund", rules, rows)
    site = oracle.publish(tmp_path / "site").parent
    pages = [*site.glob("validations/**/*.html"), *site.glob("expectations/*.html")]
    assert len(rules) > 1 and len(pages) == 2
    for page in pages:
        text = page.read_text()
        assert "values must belong to this set" not in text
        for rule in rules:
            assert escape(rule.meta.about) in text
            assert f"Reason given otherwise: {rule.meta.reason}." in text


def test_every_status_of_a_page_has_a_sign(site: Path) -> None:
    """Great Expectations draws them with a font of others, which is not there."""
    (page,) = site.glob("validations/**/*.html")
    text = page.read_text()
    drawn = set(re.findall(r'<i class="fas (fa-[a-z-]+) text-(?:success|danger)"', text))
    assert drawn
    for name in drawn:
        assert f".{name}::before{{content:" in text
