"""The shops of the stack: the generated world, or shops made from a folder of real files. Credentials are made here, per shop."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from sandbox.stack.layout import REPOSITORY, Layout
from varai.settings import FolderSecrets, Seed
from varai.sources import connector

Told = Callable[[str], None]
Made = TypeVar("Made")
FILES = "files"
"""The connector whose vendor is no server: what its shops export lies in a folder."""
STORES = REPOSITORY / "sandbox" / "stores"


def credentials(ring: FolderSecrets, shop: str, vendor: str = "shopify") -> tuple[str, ...]:
    """Ids and secrets by which a shop knows the app that reads it: what its feed finds under the secret `<shop>-shop`.

    The name of the app comes first, then what proves it; it is empty where the vendor knows an app by its token alone.
    """
    names = connector(vendor).secret_fields[0]
    named = names[:1] if len(names) > 1 else ()
    fresh = {name: f"app-{shop}" if name in named else secrets.token_hex(16) for name in names}
    found = json.loads(ring.create(f"{shop}-shop", json.dumps(fresh)))
    return (*(() if named else ("",)), *(found[name] for name in names))


def make_world(layout: Layout, told: Told) -> None:
    """Make the generated shops of a layout, where they are not there yet, and deliver what some of them drop as files."""
    make_shops(layout.settings.seeds, layout.shops, lambda _: layout.ring, told)
    deliver(layout.settings.seeds, layout.shops, lambda region: layout.home / "buckets" / region)


def builder(vendor: str) -> Callable[..., object]:
    """What writes a shop of the world as a vendor keeps it: `build` of the vendor's module, Shopify's being the world's own."""
    module = import_module(f"sandbox.world.{'build' if vendor == 'shopify' else vendor}")
    made: Callable[..., object] = module.build
    return made


def make_shops(seeds: Iterable[Seed], folder: Path, ring: Callable[[str], FolderSecrets], told: Told) -> None:
    """Make the generated shops, where they are not there yet, in `folder`/<region>/<vendor>; credentials go to the region's `ring`."""
    from sandbox.world.demo import shops

    regions = {seed.tenant.name: seed.tenant.region for seed in seeds}
    for spec in shops(lambda shop, vendor: credentials(ring(regions[shop]), shop, vendor)):
        path = folder / regions[spec.name] / spec.vendor / f"{spec.name}{'' if spec.vendor == FILES else '.sqlite'}"
        if not path.exists():
            told(f"making the shop {spec.name}")
            whole(path, partial(builder(spec.vendor), spec=spec))


def deliver(seeds: Iterable[Seed], folder: Path, bucket: Callable[[str], Path]) -> None:
    """Copy what shops export into the drops of their feeds, where it does not lie there yet, each file whole or not at all.

    Args:
        seeds: tenants whose feeds read dropped files.
        folder: of the shops, as `make_shops` made them.
        bucket: a region's name -> the folder that is its bucket.
    """
    for seed in seeds:
        exported = folder / seed.tenant.region / FILES / seed.tenant.name
        for feed in seed.feeds:
            if feed.connector == FILES and exported.is_dir():
                drop = bucket(seed.tenant.region) / "drop" / seed.tenant.name / feed.name
                drop.mkdir(parents=True, exist_ok=True)
                for file in sorted(exported.iterdir()):
                    if not (drop / file.name).exists():
                        shutil.copy2(file, staged := drop / f".{file.name}")
                        staged.rename(drop / file.name)


def configuration_for(layout_home: Path, data: Path | None) -> Path:
    """The folder of configuration a stack uses: the repository's, or one with the tenants of shops from files."""
    if data is None:
        return REPOSITORY / "config"
    folder = layout_home / "config"
    (folder / "tenants").mkdir(parents=True, exist_ok=True)
    shutil.copy(REPOSITORY / "config" / "regions.toml", folder / "regions.toml")
    for path in sorted(STORES.glob("*.toml")):
        shutil.copy(path, folder / "tenants" / path.name)
    return folder


def whole(path: Path, make: Callable[[Path], Made]) -> Made:
    """Make a shop in a folder beside its place and move it there with what lies beside it: it is there whole or not at all."""
    folder = path.parent / f".making-{path.stem}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    made = make(folder / path.name)
    for beside in sorted(folder.iterdir(), key=lambda one: one.name == path.name):
        beside.rename(path.parent / beside.name)
    folder.rmdir()
    return made
