"""BigCommerce, by its REST APIs V3 and, for orders and the store, V2."""

from varai.sources.bigcommerce.connector import BigCommerce

CONNECTOR = BigCommerce()

__all__ = ["CONNECTOR", "BigCommerce"]
