"""Magento and Adobe Commerce, by their REST API V1."""

from varai.sources.magento.connector import Magento

CONNECTOR = Magento()

__all__ = ["CONNECTOR", "Magento"]
