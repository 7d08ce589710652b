"""The whole embedded stack as a user starts it: `sandbox demo` twice under a real Airflow, then down; what it prints, keeps and leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from openpyxl import load_workbook

from sandbox.stack.layout import Layout
from sandbox.stack.stored import scopes
from tests.conftest import REPOSITORY
from tests.e2e.search import documents_with, files_with, rows_with
from varai.sources import stream_names

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
FATES = ("published", "quarantined", "unchanged", "superseded", "unmappable", "erased")
TENANTS = {
    "us": {"northwind-us", "lakeside-optics", "harbor-frames", "maple-optical"},
    "eu": {"northwind-eu", "brillen-haus", "optik-nord", "lumiere-optique"},
}
INTERVAL = r"[+-]0\.\d{4} \[[+-]0\.\d{4}, [+-]0\.\d{4}\]"
REASONS = r"bought_together|similar_to_viewed|popular_now|similar_attributes|new_arrival"
CUSTOMERS = {
    "shopify": "SELECT body FROM node WHERE type = 'Customer'",
    "woocommerce": "SELECT body FROM record WHERE kind = 'customers'",
    "magento": "SELECT body FROM record WHERE kind = 'customers'",
    "bigcommerce": "SELECT body FROM record WHERE kind = 'customers'",
}


@dataclass
class Demo:
    """What two runs of the demo left: their outputs and statuses, where personal data stood, and what outlived `down`."""

    home: Path
    outputs: list[str] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    replayed: list[tuple[str, str]] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        """The stack of this home."""
        return Layout(self.home, REPOSITORY / "config")

    @property
    def shops(self) -> Path:
        """The simulated vendors' own store."""
        return self.layout.shops

    def sandbox(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m sandbox`."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VARAI_")}
        return subprocess.run(
            [sys.executable, "-m", "sandbox", *words],
            cwd=REPOSITORY,
            env={**environment, "VARAI_HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
        )

    def varai(self, *words: str) -> str:
        """What a command of the running stack prints."""
        command = [str(self.layout.tools / "varai"), *words]
        environment = self.layout.environment()
        told = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        return told.stdout

    def processes(self) -> list[str]:
        """Processes with this home in their environment."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("VARAI_HOME") == str(self.home):
                    found.append(" ".join(process.cmdline()))
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
        return found


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Both runs, a search of everything for the planted person, and the end of the stack."""
    # A short path: sockets and Airflow's own files would not fit below pytest's long ones.
    made = Demo(Path(tempfile.mkdtemp(prefix="varai-demo-")).resolve() / "home")
    try:
        for _ in range(2):
            told = made.sandbox("demo")
            made.outputs.append(told.stdout + told.stderr)
            assert told.returncode == 0, made.outputs[-1][-6000:]
            made.statuses.append(json.loads(made.varai("status", "--json")))
        made.answers = {name: httpx.get(url, timeout=10).status_code for name, url in made.layout.addresses().items()}
        made.replayed = [(part, made.varai(*command)) for part, command in replays(made.outputs[-1])]
        data = planted(made.shops)
        made.found += [
            one for scope in scopes(made.layout).values() for text in data for one in documents_with(scope, text)
        ]
        made.sandbox("down")
        made.left = made.processes()
        drops = [
            made.home / "buckets" / region / "drop" for region in TENANTS
        ]  # the retailers' own, as they laid them there
        made.found += [one for text in data for one in files_with(made.home, text, apart=[made.shops, *drops])]
        made.found += [one for text in data for one in rows_with(made.home, text)]
        yield made
    finally:
        made.sandbox("down")
        shutil.rmtree(made.home.parent, ignore_errors=True)


def replays(output: str) -> Iterator[tuple[str, list[str]]]:
    """What a demo printed of each region's recommendations, with the command for having them again."""
    for part in output.partition("quarantine: three of the rows")[0].split("recommended to")[1:]:
        told, _, command = part.partition(".venv/bin/varai ")
        yield told, command.split()


def planted(shops: Path) -> list[str]:
    """What identifies the canary customer of each shop: names, address of mail, phone number, street."""
    data: set[str] = set()
    paths = sorted(
        path
        for path in shops.glob("*/*/*")
        if path.suffix == ".sqlite" or (path.parent.name == "files" and path.is_dir())
    )
    assert len(paths) == sum(map(len, TENANTS.values()))
    paths = [path for path in paths if "customers" in stream_names(path.parent.name)]
    for path in paths:
        bodies = list(_exported(path)) if path.is_dir() else _kept(path)
        person, name = next((body, name) for body in bodies if (name := str(_last_name(body))).startswith("canary-"))
        places = {"email", "emailAddress", "phone", "phoneNumber", "telephone", "address1", "address_1", "street"}
        data |= {name, *_texts(person, places)}
    assert len(data) >= 2 * len(paths)  # at least a name and an address of mail in every shop
    return sorted(data)


def _kept(path: Path) -> list[dict[str, Any]]:
    """Customers in a simulated vendor's store."""
    with closing(sqlite3.connect(path)) as db:
        return [json.loads(row[0]) for row in db.execute(CUSTOMERS[path.parent.name])]


def _exported(path: Path) -> Iterator[dict[str, Any]]:
    """Customers in a retailer's own files."""
    [workbook] = path.glob("customers-*.xlsx")
    header, *rows = load_workbook(workbook, read_only=True)["Customers"].iter_rows(values_only=True)
    names = {"Last": "last_name", "E-mail": "email", "Phone": "phone", "Street": "street"}
    for row in rows:
        yield {names[column]: text for column, text in zip(header, row, strict=True) if column in names}


def _last_name(customer: dict[str, Any]) -> Any:
    return next((customer[name] for name in ("lastName", "last_name", "lastname") if name in customer), None)


def _texts(value: Any, names: set[str]) -> set[str]:
    """Texts longer than a house number, under these keys, anywhere in a body."""
    if isinstance(value, list):
        return set().union(*(_texts(one, names) for one in value))
    if not isinstance(value, dict):
        return set()
    own = {one for name, one in value.items() if name in names and isinstance(one, str) and len(one) > 5}
    return own.union(*(_texts(one, names) for one in value.values()))


def test_each_regions_report_says_up_to_when_it_is_complete(demo: Demo) -> None:
    """From the first run on: marts are built once the watermarks of what they show have moved."""
    for output in demo.outputs:
        assert " ".join(output.split()).count("complete until 20") == len(TENANTS)


def test_every_stream_of_every_tenant_balances_with_the_vendor(demo: Demo) -> None:
    first = demo.statuses[0]["regions"]
    assert {region: {row["tenant"] for row in told["slices"]} for region, told in first.items()} == TENANTS
    for region, told in first.items():
        streams = {
            (seed.tenant.name, feed.name, stream)
            for seed in demo.layout.settings.seeds
            if seed.tenant.region == region
            for feed in seed.feeds
            for stream in stream_names(feed)
        }
        assert {(row["tenant"], row["feed"], row["stream"]) for row in told["slices"]} == streams
        assert set(told["snapshots"]) == TENANTS[region]
        for row in told["slices"]:
            assert row["balanced"] and row["state"] == "ok" and row["watermark"], row
            assert row["vendor_count"] == row["landed"] == sum(row[fate] for fate in FATES) > 0, row


def test_a_second_demo_publishes_nothing_and_keeps_every_snapshot(demo: Demo) -> None:
    first, second = (status["regions"] for status in demo.statuses)
    for region, told in second.items():
        assert told["snapshots"] == first[region]["snapshots"]
        for row in told["slices"]:
            assert (row["published"], row["tombstoned"], row["balanced"]) == (0, 0, True), row
            assert row["landed"] == row["unchanged"] + row["quarantined"], row


def test_the_demo_ends_with_a_merchants_report_quarantined_rows_and_addresses_that_answer(demo: Demo) -> None:
    for output in demo.outputs:
        for region in TENANTS:
            assert f"region {region}" in output
            assert f"({region}), GET /v1/reports/sales" in output
        assert "quarantine: three of the rows" in output
        assert "airflow login" in output
        assert all(url in output for url in demo.layout.addresses().values())
    pages = {name: code for name, code in demo.answers.items() if name != "river"}
    assert len(pages) == 1 + 4 * len(TENANTS)
    assert set(pages.values()) == {httpx.codes.OK}
    assert demo.answers["river"] in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)  # it names tenants: sign in first


def test_every_tenant_has_a_champion_whose_metric_stands_beside_the_floor_s(demo: Demo) -> None:
    for output in demo.outputs:
        models = output.split("recommended to")[0].rpartition("models")[2]
        selling = [
            seed for seed in demo.layout.settings.seeds if any("orders" in stream_names(feed) for feed in seed.feeds)
        ]
        assert selling
        for seed in selling:
            (row,) = [line for line in models.splitlines() if f" {seed.tenant.name} " in line]
            assert re.search(
                rf"champion 1 +0\.\d{{4}} +0\.\d{{4}} +{INTERVAL} +(the floor|ease|item_knn|als|popularity)", row
            ), row


def test_each_region_s_serving_recommends_three_products_with_reasons(demo: Demo) -> None:
    for output in demo.outputs:
        told = output.split("quarantine: three of the rows")[0].split("recommended to")[1:]
        assert [re.search(r"\((\w+)\), GET /v1/recommendations", part)[1] for part in told] == list(TENANTS)
        for part in told:
            assert len(re.findall(REASONS, part)) == 3


def test_what_was_recommended_can_be_had_again_by_the_command_that_is_printed(demo: Demo) -> None:
    assert len(demo.replayed) == len(TENANTS)
    for told, again in demo.replayed:
        products = re.findall(r"shop/\d+", told)
        assert len(products) == 3
        assert re.findall(r"shop/\d+", again) == products


def test_a_person_stands_nowhere_in_clear(demo: Demo) -> None:
    """Files, Airflow's tables and logs, documents and warehouses; the simulated vendors' own store is left out."""
    assert demo.found == []


def test_down_leaves_no_process(demo: Demo) -> None:
    assert demo.left == []
