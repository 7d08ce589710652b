"""What docker-compose.yml takes from outside: secrets, folders, shops. In: the regions; out: files under $VARAI_HOME/compose.

Safe to repeat: what is there stays, what is missing is made. Every secret is a file of mode 0600 whose owner is the user that
all containers run as, so that nobody else on the machine or in a container reads it.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sandbox.stack.layout import REPOSITORY
from sandbox.stack.shops import Told, deliver, make_shops
from varai.settings import FolderSecrets, Settings

UNPRIVILEGED = (10001, 10001)
"""User and group of the containers where root starts the stack: the images' own."""


@dataclass(frozen=True)
class State:
    """Where one compose stack lives: `secrets/` for servers, `rings/<region>/` for the platform, `data/`, `shops/`."""

    root: Path
    config: Path = REPOSITORY / "config"

    @cached_property
    def settings(self) -> Settings:
        """Facts of the configuration only: the addresses are those of docker-compose.yml."""
        return Settings(home=self.root, config=self.config, _env_file=None)

    @property
    def environment(self) -> Path:
        """The file of variables that docker-compose.yml is filled from; it holds no secret."""
        return self.root / ".env"

    def folders(self) -> Iterator[Path]:
        """Every folder that docker-compose.yml mounts, except those of secrets."""
        for name in ("airflow-db", "logs", "home/warehouse", "home/tmp"):
            yield self.root / "data" / name
        for region in self.settings.regions:
            for name in (
                "documents",
                "documents-config",
                "cache",
                f"objects/varai-{region}",
                "registry",
                "registry-db",
            ):
                yield self.root / "data" / region / name
            yield self.root / "data" / "home" / "docs" / region
            for vendor in sorted({feed.connector for seed in self.settings.seeds for feed in seed.feeds}):
                yield self.root / "shops" / region / vendor

    def ring(self, region: str) -> FolderSecrets:
        """The secrets of a region's platform."""
        return FolderSecrets(self.root / "rings" / region)

    def bucket(self, region: str) -> Path:
        """The folder that a region's emulated bucket keeps its objects in."""
        return self.root / "data" / region / "objects" / f"varai-{region}"

    @property
    def servers(self) -> FolderSecrets:
        """The secrets of servers, one file each, as docker-compose.yml names them."""
        return FolderSecrets(self.root / "secrets")


def prepare(state: State, told: Told, *, shops: bool = True) -> None:
    """Make what is missing, so that the engine finds every file and folder that docker-compose.yml names.

    Without `shops` the folders of the simulated vendors stay empty, for a stack of real ones.
    """
    owner = (os.getuid(), os.getgid()) if os.getuid() else UNPRIVILEGED
    state.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for folder in state.folders():
        folder.mkdir(parents=True, exist_ok=True)
    _airflow_secrets(state.servers)
    for region in state.settings.regions:
        region_secrets(state, region)
    if shops:
        make_shops(state.settings.seeds, state.root / "shops", state.ring, told)
        deliver(state.settings.seeds, state.root / "shops", state.bucket)
    state.environment.write_text(f"STUDIO_STATE='{state.root}'\nSTUDIO_USER={owner[0]}:{owner[1]}\n", encoding="utf-8")
    if not os.getuid():
        _give(state, owner)


def _airflow_secrets(ring: FolderSecrets) -> None:
    ring.create("airflow-fernet", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    ring.create("airflow-api", secrets.token_hex(24))
    ring.create("airflow-jwt", secrets.token_hex(32))
    ring.create("airflow-admin", secrets.token_urlsafe(12))
    password = ring.create("airflow-db-password", secrets.token_hex(24))
    ring.create("airflow-db-url", f"postgresql+psycopg2://airflow:{password}@airflow-db/airflow")


def region_secrets(state: State, region: str) -> None:
    """Passwords of a region's servers, and in its ring the addresses that hold them."""
    ring = state.servers
    # MongoDB takes 6 to 1024 characters of base64 as the key that members of a set show each other.
    ring.create(f"documents-key-{region}", base64.b64encode(secrets.token_bytes(192)).decode())
    ring.create(f"documents-root-{region}", secrets.token_hex(24))
    documents = ring.create(f"documents-app-{region}", secrets.token_hex(24))
    cache = secrets.token_hex(24)
    conf = ring.create(
        f"cache-conf-{region}",
        f"requirepass {cache}\ndir /data\nappendonly yes\nmaxmemory 128mb\nmaxmemory-policy allkeys-lru\n",
    )
    registry = ring.create(f"registry-db-password-{region}", secrets.token_hex(24))
    ring.create(f"registry-db-pass-{region}", f"registry-db-{region}:5432:registry:registry:{registry}\n")
    kept = dict(line.split(" ", 1) for line in conf.splitlines())["requirepass"]
    of_platform = state.ring(region)
    of_platform.create(
        "documents-uri",
        f"mongodb://varai:{documents}@documents-{region}:27017/?replicaSet=rs-{region}&authSource=varai",
    )
    of_platform.create("cache-url", f"valkey://:{kept}@cache-{region}:6379/0")


def _drops(state: State) -> list[Path]:
    """Folders of delivered files: what else lies in a bucket, its server made."""
    return [state.bucket(region) / "drop" for region in state.settings.regions]


def _give(state: State, owner: tuple[int, int]) -> None:
    """Root made these files, and containers must not be root: they get the images' user. What servers made stays theirs."""
    made = {
        parent for folder in state.folders() for parent in (folder, *folder.parents) if state.root in parent.parents
    }
    for folder in (*(state.root / name for name in ("secrets", "rings", "shops")), *_drops(state)):
        made.update((folder, *folder.rglob("*")))
    for path in (state.root, state.environment, state.root / "secrets", state.root / "rings", *made):
        with suppress(FileNotFoundError):  # a journal of a shop that is being read
            if path.lstat().st_uid == 0:
                os.lchown(path, *owner)
