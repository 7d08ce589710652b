"""How MLflow loads a registered version: its directory holds a pointer, and the bundle is opened in its region, with its keys.

For notebooks and comparisons. Shops are answered by serving, which knows what is on sale; here everything counts as on sale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from varai.learning import bundle as bundles
from varai.learning.bundled import without
from varai.learning.recommend import Asked, recommend
from varai.learning.words import Pointer
from varai.privacy import Ledger
from varai.settings import load


class Opened:
    """A bundle that answers tables.

    Args:
        bundle: what answers.
    """

    def __init__(self, bundle: bundles.Bundle) -> None:
        self._bundle = bundle

    def predict(self, asked: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Items for each row of `asked` (subject, product, limit): row number, item, score, reason; best first within a row."""
        del params
        everything = np.ones(len(self._bundle), np.bool_)
        found = [
            (number, shown.item, shown.score, shown.reason)
            for number, row in enumerate(asked.to_dict("records"))
            for shown in recommend(self._bundle, everything, _asked(row), seed=0)
        ]
        return pd.DataFrame(found, columns=["row", "item", "score", "reason"])


def _load_pyfunc(path: str) -> Opened:
    """Called by MLflow with the pointer's path. Raises Misconfigured where the region's keys are not at hand, Malformed."""
    pointer = Pointer.read(json.loads(Path(path).read_text(encoding="utf-8")))
    scope = load().scope(pointer.region, pointer.bundle.split("/")[1])
    bundle = bundles.load(scope, pointer.bundle, pointer.sha256)
    return Opened(without(bundle, Ledger(scope).subjects))


def _asked(row: dict[Any, Any]) -> Asked:
    subject, product = (None if pd.isna(row.get(name)) else str(row[name]) for name in ("subject", "product"))
    return Asked(subject=subject, product=product, limit=int(row["limit"]))
