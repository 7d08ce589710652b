"""All cells: rows side by side, each in a process of its own, on one document server."""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import stamina
import structlog

from sandbox import servers
from sandbox.prove.cell import play
from sandbox.prove.columns import COLUMNS
from sandbox.prove.marks import GREEN, LOST, SENSELESS, STUCK, Result
from sandbox.prove.rows import ROWS
from sandbox.prove.stage import stage
from sandbox.prove.truth import NotRead
from varai.sources import connectors

_ATTEMPTS = 6
"""As often as the library itself tries."""


class NoSuchCell(Exception):
    """A row or a column that there is not."""


@dataclass(frozen=True)
class Matrix:
    """What came of the cells that were played, and how long that took, seconds."""

    results: Sequence[Result]
    seconds: float = 0.0

    @property
    def lost(self) -> int:
        """Silent losses."""
        return sum(result.mark == LOST for result in self.results)

    @property
    def red(self) -> list[Result]:
        """Cells that are not as they should be."""
        return [result for result in self.results if result.mark not in GREEN]

    @property
    def played(self) -> int:
        """Cells that make sense."""
        return sum(result.mark != SENSELESS for result in self.results)


def chosen(only: str) -> dict[str, list[str]]:
    """The cells that `vendor`, `vendor,fault` or `,fault` names, by vendor; all of every connector where nothing is given.

    Raises NoSuchCell.
    """
    vendor, _, column = (part.strip() for part in only.partition(","))
    missing = [name for name in connectors() if name not in ROWS]
    if missing:
        raise NoSuchCell(
            f"The connector {missing[0]} has no row in the matrix: add its entry to sandbox/prove/rows.py."
        )
    if vendor and vendor not in ROWS:
        raise NoSuchCell(f"There is no row {vendor}; the rows are {', '.join(ROWS)}.")
    if column and column not in COLUMNS:
        raise NoSuchCell(f"There is no column '{column}'; the columns are {', '.join(COLUMNS)}.")
    return {name: [column] if column else list(COLUMNS) for name in ROWS if vendor in ("", name)}


def prove(cells: dict[str, list[str]], told: Callable[[Result], None]) -> list[Result]:
    """Play cells, as many rows at a time as there are processors; `told` is given each result, in the row's process."""
    context, workers = multiprocessing.get_context("spawn"), min(len(cells), os.cpu_count() or 1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="varai-prove-")))
        uri = stack.enter_context(_documents(folder))
        pool = stack.enter_context(ProcessPoolExecutor(workers, context))
        rows = [pool.submit(play_row, name, columns, folder / name, uri, told) for name, columns in cells.items()]
        return [result for row in rows for result in row.result()]


def silent(result: Result) -> None:
    """Nobody is told."""
    del result


def play_row(
    vendor: str, columns: Sequence[str], folder: Path, uri: str, told: Callable[[Result], None] = silent
) -> list[Result]:
    """Play some cells of a row. Calls are made again as often as ever, without the waits between."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found = []
    try:
        with (
            stamina.set_testing(True, attempts=_ATTEMPTS, cap=True),
            stage(vendor, folder, uri, f"prove-{vendor}") as made,
        ):
            for name in columns:
                found.append(play(made, name, COLUMNS[name]))
                told(found[-1])
    except NotRead as error:
        return [Result(vendor, name, STUCK, error.why) for name in columns]
    return found


@contextmanager
def _documents(folder: Path) -> Iterator[str]:
    own = folder / "documents"
    own.mkdir()
    with servers.documents(own) as uri:
        yield uri
