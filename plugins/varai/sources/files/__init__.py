"""Files that a retailer drops: CSV, TSV, NDJSON, Parquet and XLSX in a folder of the region's bucket, or fetched by SFTP."""

from varai.sources.files.connector import CONNECTOR, Files

__all__ = ["CONNECTOR", "Files"]
