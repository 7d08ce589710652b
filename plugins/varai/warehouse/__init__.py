"""The warehouse of a region: staged rows are merged into raw tables, and dbt builds marts from them (varai.warehouse.build)."""

from varai.warehouse.connect import connect, exists
from varai.warehouse.load import load
from varai.warehouse.merge import lacking
from varai.warehouse.protocol import Check, LoadedBatch, LoadReport, StagedObject, Warehouse

__all__ = ["Check", "LoadReport", "LoadedBatch", "StagedObject", "Warehouse", "connect", "exists", "lacking", "load"]
