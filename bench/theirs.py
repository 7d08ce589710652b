"""dlt as the benchmarks run it: its imports and a pipeline with all its files in a fresh folder, and a run of it."""

from __future__ import annotations

import os
import tempfile
from typing import Any


def open_pipeline(folder: str) -> tuple[str, Any]:
    """A fresh folder and a pipeline in it, Parquet into DuckDB, which reports to nobody. What a run imports by itself is imported too."""
    own = tempfile.mkdtemp(dir=folder)
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": own, "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt
    import dlt.common.libs.pyarrow
    import dlt.destinations.impl.duckdb.duck
    import duckdb  # noqa: F401 - imported off the clock
    import pandas  # noqa: F401, ICN001 - likewise
    import pyarrow.parquet  # noqa: F401 - likewise
    from dlt.destinations import duckdb as into

    destination = into(f"{own}/loaded.duckdb")
    return own, dlt.pipeline("bench", pipelines_dir=f"{own}/pipelines", destination=destination, dataset_name="shop")


def run_pipeline(pipeline: Any, resource: Any, table: str) -> int:
    """Extract, normalise and load; how many records of the table it gave."""
    pipeline.run(resource, loader_file_format="parquet")
    return int(pipeline.last_trace.last_normalize_info.row_counts[table])
