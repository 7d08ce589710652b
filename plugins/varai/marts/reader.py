"""Read published marts: a tenant's current snapshot, held for as long as a request needs it, queried with SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa

from varai.kernel import Gone, Scope
from varai.marts.cache import FileCache
from varai.marts.coverage import coverage_of, read_coverage
from varai.marts.publish import read_manifest
from varai.marts.words import Coverage, FeedCoverage, Manifest
from varai.stores import objects

CACHE_BYTES = 2 * 2**30
MEMORY_LIMIT = "256MB"


class Reader:
    """Gives snapshots of one region's tenants.

    Args:
        scope: the region's scope, or that of a tenant: then only this tenant can be read.
        cache_dir: a folder for copies; processes may share it.
        cache_bytes: how much it may hold.
    """

    def __init__(self, scope: Scope, cache_dir: Path, cache_bytes: int = CACHE_BYTES) -> None:
        self._scope = scope
        self._cache = FileCache(cache_dir, cache_bytes)

    def current(self, tenant: str) -> Snapshot:
        """The tenant's current snapshot; use it as a context manager, for one request.

        Copies of the tenant's earlier snapshots are dropped from the cache: an erasure may be why they are superseded. A request
        that has such a file open keeps it.

        Raises:
            Gone: nothing was published for this tenant, or the scope is another tenant's.
        """
        mine, store = self._scope.tenant in (None, tenant), objects(self._scope)
        coverage = read_coverage(store, tenant) if mine else None
        found = read_manifest(store, tenant) if mine else None
        if found is None:
            raise Gone(
                f"Nothing is published for tenant '{tenant}' yet.",
                "Wait for the next run of transform, or read its log.",
            )
        manifest = found[0]
        self._cache.keep(tenant, {mart.sha256 for mart in manifest.marts.values()})
        return Snapshot(self._scope, self._cache, manifest, coverage)


class Snapshot:
    """One tenant's marts as they were at `as_of`, whatever is published meanwhile. Files are fetched when first used."""

    def __init__(self, scope: Scope, cache: FileCache, manifest: Manifest, coverage: Coverage | None) -> None:
        self.manifest = manifest
        self._coverage = coverage_of(manifest, coverage)
        self._scope = scope
        self._cache = cache
        self._open: dict[str, BinaryIO] = {}

    @property
    def id(self) -> str:
        """Changes exactly when the contents do; with `coverage`, good as an ETag."""
        return self.manifest.snapshot_id

    @property
    def as_of(self) -> datetime:
        """When these contents were first seen."""
        return self.manifest.as_of

    @property
    def history_from(self) -> Mapping[str, datetime]:
        """The earliest sale known, by feed."""
        return self.manifest.history_from

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the publisher added, such as counts withheld."""
        return self.manifest.facts

    @property
    def coverage(self) -> Mapping[str, FeedCoverage]:
        """How far the figures are complete, by feed; it moves while the contents stay. Empty: nobody knows."""
        return self._coverage

    def path(self, mart: str) -> str:
        """A path to the mart's Parquet file, valid in this process until the snapshot is closed.

        Raises:
            Gone: the mart is not in this snapshot, or the snapshot was swept since: ask for the current one again.
            Malformed: the file is not what the manifest says.
        """
        if mart not in self._open:
            published = self.manifest.marts.get(mart)
            if published is None:
                raise Gone(
                    f"There is no mart '{mart}' in this snapshot.", "Publish again, or name one of its manifest."
                )
            try:
                fetch = partial(objects(self._scope).open, published.key)
                self._open[mart] = self._cache.open(self.manifest.tenant, published.sha256, fetch)
            except FileNotFoundError as error:
                raise Gone(
                    "This snapshot was swept while it was being read.", "Ask again; a newer one is current."
                ) from error
        # Through the descriptor the file stays readable though the cache evicts its name.
        return f"/proc/self/fd/{self._open[mart].fileno()}"

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, memory_limit: str = MEMORY_LIMIT
    ) -> pa.Table:
        """Run one SELECT of our own over the marts, each a view by its name; values come in as `$name` parameters.

        The query sees these files and nothing else: no other file, no network, no spill to disk.

        Raises:
            Gone, Malformed: as `path` does. duckdb.Error: the SQL is wrong or needs more than `memory_limit`.
        """
        named = [mart for mart in self.manifest.marts if re.search(rf"\b{re.escape(mart)}\b", sql)]
        paths = {mart: self.path(mart) for mart in named}
        with duckdb.connect(config={"memory_limit": memory_limit, "threads": 2, "temp_directory": ""}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for mart, path in paths.items():
                connection.execute(f"""CREATE VIEW "{mart}" AS FROM read_parquet('{path}')""")
            allowed = ", ".join(f"'{path}'" for path in paths.values())
            connection.execute(f"SET allowed_paths = [{allowed}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            return connection.execute(sql, dict(parameters or {})).to_arrow_table()

    def close(self) -> None:
        """Let go of the files."""
        while self._open:
            self._open.popitem()[1].close()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
