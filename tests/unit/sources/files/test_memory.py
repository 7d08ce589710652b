"""Memory does not grow with a file: read in a process of its own, the peak of four times as many bytes is the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

_CHILD = """
import re, sys
from datetime import UTC, datetime
from pathlib import Path
from varai.kernel import Feed, Window
from varai.sources import Session, connector
from varai.sources.contract import DroppedFile

path = Path(sys.argv[1])

class Folder:
    def files(self):
        return [DroppedFile(path.name, path.stat().st_size, datetime(2026, 1, 1, tzinfo=UTC))]
    def stat(self, name):
        return self.files()[0]
    def open(self, name):
        return path.open("rb")

fields = {"sku": "id", "title": "title", "price": "price"}
settings = {"streams": {"variants": {"files": "*", "kind": "delta", "id": ["id"], "fields": fields}}}
feed = Feed(tenant="t", name="f", connector="files", base_url="bucket:", secret="s", settings=settings)
session = Session(feed, "bucket:", lambda: "{}", None, drop=Folder())
extraction = connector("files").extract(session, "variants", Window(start=None, end=datetime.now(UTC)))
landed = sum(page.records for page in extraction)
assert landed == extraction.vendor_count == int(sys.argv[2]), (landed, extraction.vendor_count)
# Not ru_maxrss, which begins with what the parent had when it forked.
print(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])
"""
ROW = 100
"""Bytes of a row, about."""


def peak(path: Path, rows: int) -> int:
    """Peak memory of reading a file, kB."""
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'plugins'}"}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), str(rows)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout)


def csv_file(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.write("id,title,price\n")
        for start in range(0, rows, 10_000):
            file.writelines(f'{at:09},"{at:070}\n",12.50\n' for at in range(start, min(rows, start + 10_000)))


def ndjson_file(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.writelines(f'{{"id": "{at:09}", "title": "{at:060}", "price": 12.50}}\n' for at in range(rows))


def parquet_file(path: Path, rows: int) -> None:
    """One row group, whatever it holds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = [f"{at:09}" for at in range(rows)]
    table = pa.table({"id": ids, "title": [one * 9 for one in ids], "price": ["12.50"] * rows})
    pq.write_table(table, path, row_group_size=rows, use_dictionary=False, compression="none")


def open_quote_file(path: Path, rows: int) -> None:
    """A quote that is never closed stands before everything else."""
    with path.open("w") as file:
        file.write('id,title,price\n0,"open,1\n')
        file.writelines(f"{at:09},{at:070},12.50\n" for at in range(rows - 1))


@pytest.mark.slow
@pytest.mark.parametrize(("make", "name", "few"), [
    (csv_file, "rows.csv", 500_000),
    (ndjson_file, "rows.ndjson", 100_000),
    (parquet_file, "rows.parquet", 100_000),
    (open_quote_file, "rows.csv", 100_000),
])  # fmt: skip
def test_the_peak_is_flat(tmp_path: Path, make: object, name: str, few: int) -> None:
    """50 MB and 200 MB of CSV; less of the others, which differ in how they are unpacked only."""
    assert callable(make)
    peaks, path = [], tmp_path / name
    for rows in (few, 4 * few):
        make(path, rows)
        peaks.append(peak(path, rows))
    assert path.stat().st_size > 3 * few * ROW * 0.5
    assert peaks[1] < peaks[0] * 1.15 + 8_192, peaks
