"""Shopify, by its GraphQL Admin API."""

from varai.sources.shopify.connector import Shopify

CONNECTOR = Shopify()

__all__ = ["CONNECTOR", "Shopify"]
