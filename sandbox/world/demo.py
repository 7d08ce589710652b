"""The shops of the demo: two regions, two tenants of Shopify in each, one organisation in both, and a tenant of each other vendor."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.world.spec import WorldSpec

Credentials = Callable[[str, str], tuple[str, ...]]
"""shop name, vendor -> (id, secret), and token and its secret where the vendor has them; the caller generates and keeps them"""


def _canary(shop: str) -> str:
    return f"canary-{shop}"


def shops(credentials: Credentials, canary: Callable[[str], str] = _canary) -> tuple[WorldSpec, ...]:
    """Their specs; a shop's name is its tenant's."""

    def make(
        name: str,
        seed: int,
        currency: str,
        timezone: str,
        country: str,
        *,
        products: int,
        orders: int,
        customers: int,
        vendor: str = "shopify",
    ) -> WorldSpec:
        client_id, client_secret, *more = credentials(name, vendor)
        token, token_secret = more or ("token", "token-secret")
        return WorldSpec(
            name,
            f"{name}.myshopify.example.com" if vendor == "shopify" else f"{name}.example.com",
            seed,
            currency,
            timezone,
            country,
            client_id,
            client_secret,
            products,
            orders,
            customers,
            canary=canary(name),
            vendor=vendor,
            token=token,
            token_secret=token_secret,
        )

    return (
        make("northwind-eu", 11, "EUR", "Europe/Berlin", "DE", products=300, orders=5_000, customers=1_400),
        make("brillen-haus", 12, "EUR", "Europe/Vienna", "AT", products=220, orders=3_000, customers=900),
        make("northwind-us", 13, "USD", "America/New_York", "US", products=300, orders=6_000, customers=1_600),
        make("lakeside-optics", 14, "USD", "America/Chicago", "US", products=240, orders=3_500, customers=1_000),
        make(
            "optik-nord",
            15,
            "EUR",
            "Europe/Berlin",
            "DE",
            products=120,
            orders=2_000,
            customers=700,
            vendor="woocommerce",
        ),
        make(
            "lumiere-optique",
            16,
            "EUR",
            "Europe/Paris",
            "FR",
            products=120,
            orders=2_000,
            customers=700,
            vendor="magento",
        ),
        make(
            "harbor-frames",
            17,
            "USD",
            "America/Los_Angeles",
            "US",
            products=120,
            orders=2_000,
            customers=700,
            vendor="bigcommerce",
        ),
        make(
            "maple-optical",
            19,
            "USD",
            "America/Los_Angeles",
            "US",
            products=120,
            orders=2_000,
            customers=700,
            vendor="files",
        ),
    )
