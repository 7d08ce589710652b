"""A spec of small grids, and datasets of small shops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.learning.shops import END, LINES, PRODUCTS, Row, product, sales, table
from varai import registry
from varai.learning.assemble import gather
from varai.learning.spec import Blend, Candidate, Least, ModelSpec, PromoteIf, Windows
from varai.learning.words import Dataset
from varai.settings import Settings, load


@pytest.fixture
def settings_of_two(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    """A home with both regions, whose tenants are known to the registry."""
    stores = {f"VARAI_STORES__{region}__DOCUMENTS_URI": mongodb_uri for region in ("EU", "US")}
    settings = load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, **stores})
    registry.seed(settings.scope("eu"), settings.seeds)
    return settings


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    """All candidates with small grids, and little enough to learn from."""
    return ModelSpec(
        name="recommender",
        about="Ranks products.",
        marts=("fct_order_line", "dim_product"),
        entity="product",
        features=("subject", "product_id"),
        target="first purchases",
        limits=("It knows purchases only.",),
        candidates=(
            Candidate("popularity"),
            Candidate("decayed_popularity", {"half_life_days": (14.0, 90.0)}),
            Candidate("attributes"),
            Candidate("item_knn", {"shrinkage": (5.0,)}),
            Candidate("ease", {"l2": (20.0, 100.0)}),
            Candidate("als", {"l2": (1.0,), "confidence": (10.0,), "factors": (8.0,)}),
        ),
        blend=Blend(prior=(0.05, 0.3), alike=(0.0, 0.1)),
        promote_if=PromoteIf(resamples=500),
        least=Least(subjects=20, purchases=100, judged=10),
        windows=Windows(validation_days=40, test_days=40),
    )


@pytest.fixture(scope="session")
def shop(spec: ModelSpec) -> Callable[..., Dataset]:
    """Makes datasets from `sales`, or from lines that are given."""

    def make(seed: int = 1, *, taste: bool = True, lines: list[Row] | None = None) -> Dataset:
        rows = sales(seed, taste=taste) if lines is None else lines
        offered = [product(number, frame_shape=("round", "square")[number % 2]) for number in range(42)]
        found = gather(table(rows, LINES), table(offered, PRODUCTS), (), spec, snapshot_id="s1", as_of=END)
        assert isinstance(found, Dataset)
        return found

    return make
