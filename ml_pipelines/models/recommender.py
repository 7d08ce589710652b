"""Which products to show to whom: learned from who bought what, and from what frames look like."""

from __future__ import annotations

from varai.learning.spec import Blend, Candidate, ModelSpec, Windows

MODEL = ModelSpec(
    name="recommender",
    about=(
        "Ranks a shop's products for one of its customers, for a visitor by what was viewed, or beside a product. "
        "It serves pages and mails of the shop it was trained for, and nothing else."
    ),
    marts=("fct_order_line", "dim_product"),
    entity="product",
    features=(
        "subject",
        "product_id",
        "processed_at",
        "frame_shape",
        "rim",
        "material",
        "colour",
        "frame_width_mm",
        "price",
    ),
    target="products the subject buys for the first time within the days that follow",
    limits=(
        "It knows purchases, not needs: fit, prescription and health are not considered.",
        "Subjects without a purchase get what is popular, or what is like the products they viewed.",
        "Purchases of guests, and of customers whose consent is not known, taught it nothing.",
        "Offline metrics count only what was bought; they say nothing of what showing a product would cause.",
    ),
    candidates=(
        Candidate("popularity"),
        Candidate("decayed_popularity", {"half_life_days": (7.0, 14.0, 30.0, 90.0, 365.0)}),
        Candidate("attributes"),
        Candidate("item_knn", {"shrinkage": (10.0,)}),
        Candidate("ease", {"l2": (100.0, 400.0)}),
        Candidate("als", {"l2": (10.0,), "confidence": (20.0,), "factors": (64.0,)}),
    ),
    blend=Blend(prior=(0.02, 0.05, 0.1, 0.2, 0.4), alike=(0.0, 0.05, 0.2)),
    windows=Windows(validation_days=42, test_days=42),
)
