"""The catalogue: products with their variants and images, stock, places and shops, as documents of the region."""

from varai.catalogue.collections import COLLECTIONS, INDEXES, ensure_indexes, holds
from varai.catalogue.counts import count_live
from varai.catalogue.digest import digest
from varai.catalogue.holders import list_holdings
from varai.catalogue.mend import bury, give_way
from varai.catalogue.rows import live_rows
from varai.catalogue.sellable import sellable
from varai.catalogue.shelf import FILTERS, ProductPage, find_products
from varai.catalogue.stale import mark_stale
from varai.catalogue.sync import SyncReport, publish
from varai.catalogue.undo import RevertReport, revert
from varai.catalogue.versions import version

__all__ = [
    "COLLECTIONS",
    "FILTERS",
    "INDEXES",
    "ProductPage",
    "RevertReport",
    "SyncReport",
    "bury",
    "count_live",
    "digest",
    "ensure_indexes",
    "find_products",
    "give_way",
    "holds",
    "list_holdings",
    "live_rows",
    "mark_stale",
    "publish",
    "revert",
    "sellable",
    "version",
]
