"""Data Docs that ask nobody: pages of Great Expectations in, the same pages without foreign scripts and a first page of ours out.

Great Expectations' own pages fetch styles, fonts and scripts from five content networks, so they are bare where there is no
internet and tell strangers who looks at them where there is. What remains is their content, under one style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

_FOREIGN: Final = re.compile(
    r"<script\b.*?</script\s*>|<link\b[^>]*>|<img\b[^>]*>|<form\b.*?</form\s*>|<footer\b.*?</footer\s*>"
    r"|<(button|input)\b[^>]*>",
    re.DOTALL | re.IGNORECASE,
)
_MEANT: Final = re.compile(
    r"<h5\b[^>]*>\s*(?P<column>[^<]*?)\s*</h5>|values must belong to this set: <span\b[^>]*>True</span>\."
)
_ADDRESS: Final = re.compile(r'href="https?://[^"]*"', re.IGNORECASE)
_STYLE: Final = """<style>
body{font:14px/1.45 system-ui,sans-serif;margin:24px auto;max-width:1200px;padding:0 24px;color:#1c2430;background:#fff}
h1{font-size:22px} h4,h5{margin:20px 0 6px} p{color:#566} a{color:#0b57a4}
table{border-collapse:collapse;margin:6px 0 18px} th,td{padding:5px 10px;border-bottom:1px solid #e3e7ec;text-align:left;vertical-align:top}
th{background:#f6f8fa;color:#566} td.n{text-align:right}.ok{color:#137333}.bad{color:#b3261e;font-weight:600}
.modal,.btn-group,.cta-footer,.card-header,.card-text,a[data-toggle=collapse]{display:none} nav ol{list-style:none;padding:0}
.fa-check-circle::before{content:"✓";color:#137333}.fa-times::before{content:"✗";color:#b3261e} i.fas{font-style:normal;font-weight:700}
@media (prefers-color-scheme:dark){body{background:#14181d;color:#e6e9ec}th{background:#1d232a;color:#9aa7b4}
th,td{border-color:#2a323b}p{color:#9aa7b4}a{color:#7db8f5}.ok{color:#63c77c}.bad{color:#ff8a80}
.fa-check-circle::before{color:#63c77c}.fa-times::before{color:#ff8a80}}
</style>"""


@dataclass(frozen=True, slots=True)
class Validation:
    """One line of the first page.

    Attributes:
        name: suite, or suite and batch where uniqueness was judged.
        rows: rows validated.
        rules: expectations evaluated.
        failing: expectations that some row fails.
        sentences: for columns derived to be true or false, what their rule means and the reason it gives: the
            expectation itself says no more than that the value must be true.
    """

    name: str
    rows: int
    rules: int
    failing: int
    sentences: Mapping[str, str] = field(default_factory=dict)


def make_self_contained(folder: Path, validations: Sequence[Validation], at: str) -> Path:
    """Take everything foreign out of the pages below `folder` and write its first page; returns that page."""
    sentences = {one.name: one.sentences for one in validations}
    for page in sorted(folder.rglob("*.html")):
        kind, *names = page.relative_to(folder).parts
        suite = names[0].removesuffix(".html") if names else kind
        page.write_text(own(page.read_text(encoding="utf-8"), sentences.get(suite, {})), encoding="utf-8")
    index = folder / "index.html"
    index.write_text(_first_page(folder, validations, at), encoding="utf-8")
    return index


def own(html: str, sentences: Mapping[str, str]) -> str:
    """A page without scripts, pictures, forms and addresses of others; its style is ours, and so are `sentences`, by column."""
    kept = _ADDRESS.sub('href="#"', _FOREIGN.sub("", html))
    return _meant(kept, sentences).replace("</head>", f"{_STYLE}</head>", 1)


def _meant(html: str, sentences: Mapping[str, str]) -> str:
    """Under the heading of each column, its sentence instead of "values must belong to this set: True"."""
    column = ""

    def told(found: re.Match[str]) -> str:
        nonlocal column
        column = found["column"] or column
        return found[0] if found["column"] or column not in sentences else escape(sentences[column])

    return _MEANT.sub(told, html)


def _first_page(folder: Path, validations: Sequence[Validation], at: str) -> str:
    rows = "".join(_row(folder, one) for one in sorted(validations, key=lambda one: one.name))
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Data quality</title>{_STYLE}</head><body>"
        f"<h1>Data quality</h1><p>What Great Expectations found in every failing row and a sample of the others, {escape(at)}. "
        "The gate decided the same on all of these rows.</p>"
        "<table><thead><tr><th>suite</th><th>rows validated</th><th>expectations</th><th>with failing rows</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></body></html>"
    )


def _row(folder: Path, one: Validation) -> str:
    pages = sorted((folder / "validations" / one.name).rglob("*.html"))
    name = escape(one.name)
    link = f'<a href="{escape(pages[-1].relative_to(folder).as_posix())}">{name}</a>' if pages else name
    kind = "ok" if one.failing == 0 else "bad"
    return f"<tr><td>{link}</td><td class=n>{one.rows:,}</td><td class=n>{one.rules}</td><td class='n {kind}'>{one.failing}</td></tr>"
