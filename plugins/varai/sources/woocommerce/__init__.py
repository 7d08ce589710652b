"""WooCommerce, by its REST API v3."""

from varai.sources.woocommerce.connector import WooCommerce

CONNECTOR = WooCommerce()

__all__ = ["CONNECTOR", "WooCommerce"]
