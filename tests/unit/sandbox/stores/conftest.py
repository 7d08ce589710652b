"""Shops written once from the real files, and tiny archives for single laws."""

from __future__ import annotations

import io
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest

from sandbox.stores import uci
from sandbox.stores.invoice_lines import COLUMNS
from sandbox.stores.ledger import UciLedger


class Loaded(NamedTuple):
    """The UCI shop and the ledger of its load."""

    path: Path
    ledger: UciLedger


@pytest.fixture(scope="session")
def loaded(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The whole of UCI Online Retail as a shop; removed after the session, it has 600 MB."""
    folder = tmp_path_factory.mktemp("uci")
    path = folder / "uci.sqlite"
    yield Loaded(path, uci.load(path, shared_data, client_id="id", client_secret="secret"))
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def invoice_files(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The daily CSV files themselves."""
    folder = tmp_path_factory.mktemp("days")
    with tarfile.open(shared_data / "orders_uci" / "by-day.tar.gz") as tar:
        tar.extractall(folder, filter="data")
    yield folder / "by-day"
    shutil.rmtree(folder)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[[Sequence[str]], Path]:
    """Make a DATA folder whose archive holds these lines as one day."""

    def make(lines: Sequence[str]) -> Path:
        folder = tmp_path / "data" / "orders_uci"
        folder.mkdir(parents=True)
        text = "\n".join([",".join(COLUMNS), *lines, ""]).encode()
        with tarfile.open(folder / "by-day.tar.gz", "w:gz") as tar:
            member = tarfile.TarInfo("by-day/2011-01-01.csv")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
        return folder.parent

    return make


def bodies(path: Path, kind: str) -> dict[str, dict[str, Any]]:
    """gid -> body of every node of a type."""
    with sqlite3.connect(path) as db:
        found = {
            gid: orjson.loads(body) for gid, body in db.execute("SELECT gid, body FROM node WHERE type = ?", (kind,))
        }
    return dict(sorted(found.items()))


@pytest.fixture(scope="session")
def read() -> Callable[[Path, str], dict[str, dict[str, Any]]]:
    """Reads bodies of a shop's file without any code of the simulator."""
    return bodies
