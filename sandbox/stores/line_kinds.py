"""What a stock code stands for.

In: the patterns of a tenant file. Out: product, postage, fee, adjustment, gift_card or manual.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
UNKNOWN = "unknown"


def tenant_file(shop: str) -> Path:
    """The tenant and feed of a shop from files, in the form of config/tenants/*.toml."""
    return FOLDER / f"{shop}.toml"


def load_rules(shop: str) -> Mapping[str, str]:
    """Pattern -> line_kind in the order of the file."""
    feed = tomllib.loads(tenant_file(shop).read_text(encoding="utf-8"))["feeds"]["shop"]
    rules: Mapping[str, str] = feed.get("settings", {}).get("line_kinds", {})
    return rules


class LineKinds:
    """Answers for codes by the first pattern that matches the whole code; `unknown` when none does."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._rules = [(re.compile(pattern), kind) for pattern, kind in rules.items()]
        self.of = cache(self._find)

    def _find(self, code: str) -> str:
        return next((kind for pattern, kind in self._rules if pattern.fullmatch(code)), UNKNOWN)
