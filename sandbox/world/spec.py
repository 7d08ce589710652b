"""What a world is made from: one frozen value per shop. Same value, same shop, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ANCHOR = datetime(2026, 11, 1, tzinfo=UTC)
"""The end of every generated history. A constant, so that a seed gives the same bytes on any day."""

DEFECTS = (
    "gtin_check_digit",
    "duplicate_sku",
    "price_not_positive",
    "compare_at_not_above_price",
    "malformed_date",
    "unknown_currency",
    "missing_title",
    "impossible_mm",
    "html_script",
    "description_too_long",
    "nul_byte",
)


@dataclass(frozen=True)
class DefectRates:
    """Share of rows that get a defect; a rate above zero plants at least one. 0 plants none."""

    gtin_check_digit: float = 0.010
    duplicate_sku: float = 0.010
    price_not_positive: float = 0.006
    compare_at_not_above_price: float = 0.008
    impossible_mm: float = 0.010
    missing_title: float = 0.010
    html_script: float = 0.012
    nul_byte: float = 0.008
    malformed_date: float = 0.010
    malformed_order_date: float = 0.001
    unknown_currency: float = 0.002
    description_too_long: int = 1
    """products whose description has 5 MB: a count, not a share"""

    @classmethod
    def none(cls) -> DefectRates:
        """A shop without a fault."""
        return cls(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class WorldSpec:
    """One eyewear shop. `country` is where it ships from and to; `client_id` and `client_secret` are its API credentials."""

    name: str
    domain: str
    seed: int
    currency: str
    timezone: str
    country: str
    client_id: str
    client_secret: str = field(repr=False)
    products: int = 280
    orders: int = 4_000
    customers: int = 1_200
    canary: str = "canary"
    """marker in the name and e-mail address of one customer"""
    defects: DefectRates = DefectRates()
    vendor: str = "shopify"
    """whose simulator serves it"""
    token: str = field(default="token", repr=False)
    token_secret: str = field(default="token-secret", repr=False)
    """where the vendor knows its apps by four secrets, the other two"""
    anchor: datetime = ANCHOR
    days: int = 730

    @property
    def opened(self) -> datetime:
        """When the shop was created: a quarter before its first order."""
        return self.anchor - timedelta(days=self.days + 90)

    @property
    def taxes_included(self) -> bool:
        """Prices contain tax everywhere but in the United States."""
        return self.country != "US"
