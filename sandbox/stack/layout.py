"""What the stack consists of, from regions.toml and $VARAI_HOME: names, ports, addresses and the environment of every process."""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sandbox.stack import ports
from varai.settings import FolderSecrets, Settings

REPOSITORY = Path(__file__).resolve().parents[2]
SURFACES = ("shop", "report", "hook")
MARK = "VARAI_STACK"
"""In the environment of everything the stack starts, so that `down` can find what is left."""


@dataclass(frozen=True)
class Layout:
    """One stack: where it lives and what runs in it.

    Attributes:
        home: $VARAI_HOME, absolute.
        config: folder with regions.toml and the seeds of tenants.
        starting: choose ports anew where an earlier choice is taken; False while the stack runs, since it holds its own.
    """

    home: Path
    config: Path
    starting: bool = False

    @cached_property
    def settings(self) -> Settings:
        """Facts of the configuration only; no address is known yet."""
        return Settings(home=self.home, config=self.config, _env_file=None)

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """Names of the regions."""
        return tuple(self.settings.regions)

    @cached_property
    def vendors(self) -> tuple[tuple[str, str], ...]:
        """The vendors: each that a seeded feed reads, with the region of its shops."""
        return tuple(
            sorted({(feed.connector, seed.tenant.region) for seed in self.settings.seeds for feed in seed.feeds})
        )

    @cached_property
    def simulated(self) -> tuple[tuple[str, str], ...]:
        """Those of them that are a server; who drops files has none."""
        return tuple(
            (vendor, region)
            for vendor, region in self.vendors
            if (REPOSITORY / "sandbox" / "vendors" / vendor).is_dir()
        )

    @cached_property
    def ports(self) -> Mapping[str, int]:
        """A port per server."""
        kinds = ("documents", "cache", "serving", "registry")
        per_region = [f"{kind}-{region}" for region in self.regions for kind in kinds]
        names = ["airflow", "pages", *per_region, *(f"{vendor}-{region}" for vendor, region in self.simulated)]
        return ports.choose(self.home, names) if self.starting else ports.known(self.home, names)

    @property
    def ring(self) -> FolderSecrets:
        """The secrets of this stack."""
        return FolderSecrets(self.home / "secrets")

    @property
    def shops(self) -> Path:
        """Folder of simulated shops, below it one per region and vendor."""
        return self.home / "sandbox" / "shops"

    @property
    def mark(self) -> str:
        """Names this stack among others on the machine."""
        return str(self.home)

    @property
    def tools(self) -> Path:
        """Where the scripts of this environment are."""
        return Path(sys.executable).parent

    def url(self, name: str) -> str:
        """Address of a server."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def addresses(self) -> dict[str, str]:
        """What people open in a browser."""
        pages = self.url("pages")
        found = {"airflow": self.url("airflow"), "river": f"{self.url('airflow')}/river/"}
        for region in self.regions:
            found[f"api_docs_{region}"] = f"{self.url(f'serving-{region}')}/docs"
            found[f"dbt_docs_{region}"] = f"{pages}/{region}/dbt/index.html"
            found[f"data_docs_{region}"] = f"{pages}/{region}/data-docs/index.html"
            # Its first page offers what it has for language models.
            found[f"registry_{region}"] = f"{self.url(f'registry-{region}')}/#/models"
        return found

    def write_settings(self) -> Path:
        """Write $VARAI_HOME/settings.env, which every process reads."""
        lines = [f"VARAI_CONFIG={self.config}"]
        for region in self.regions:
            prefix = f"VARAI_STORES__{region.upper()}__"
            lines += [
                f"{prefix}DOCUMENTS_URI=mongodb://127.0.0.1:{self.ports[f'documents-{region}']}/?directConnection=true",
                f"{prefix}CACHE_URL=valkey://127.0.0.1:{self.ports[f'cache-{region}']}/0",
                f"{prefix}SERVING_URL={self.url(f'serving-{region}')}",
                f"{prefix}REGISTRY_URL={self.url(f'registry-{region}')}",
            ]
        lines += [
            f"VARAI_VENDORS__{vendor.upper()}_{region.upper()}={self.url(f'{vendor}-{region}')}"
            for vendor, region in self.simulated
        ]
        lines += [f"VARAI_ADDRESSES__{name.upper()}={value}" for name, value in self.addresses().items()]
        path = self.home / "settings.env"
        path.write_text("\n".join(lines) + "\n")
        return path

    def environment(self) -> dict[str, str]:
        """Environment of every process: the caller's, less what could lead it elsewhere."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("VARAI_", "AIRFLOW", "MLFLOW", "PYTHON")) or name == "VARAI_TEST_DATA"
        }
        return kept | {
            "VARAI_HOME": str(self.home),
            MARK: self.mark,
            "PATH": f"{self.tools}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": _without_proxy(os.environ.get("NO_PROXY", "")),
            "no_proxy": _without_proxy(os.environ.get("no_proxy", "")),
            # Airflow retitles its processes, and setproctitle would overwrite the environment by which `down` finds them.
            "SPT_NOENV": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def airflow_environment(self) -> dict[str, str]:
        """What Airflow's own processes need beside it; nobody else is given its secrets."""
        home = self.home / "airflow"
        ring = self.ring
        return {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__FERNET_KEY": ring.read("airflow-fernet"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "secrets" / "airflow-passwords"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url('airflow')}/execution/",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports["airflow"]),
            "AIRFLOW__API__BASE_URL": self.url("airflow"),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": ring.read("airflow-api"),
            "AIRFLOW__API_AUTH__JWT_SECRET": ring.read("airflow-jwt"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "300",
            "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "300",
        }


def _without_proxy(named: str) -> str:
    """Hosts that no proxy stands before: those of the caller and this machine."""
    return ",".join([*([named] if named else []), "127.0.0.1", "localhost"])


def make_keys(layout: Layout) -> None:
    """Generate what is missing under $VARAI_HOME/secrets; what is there stays."""
    ring = layout.ring
    for name, fresh in (
        ("airflow-fernet", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()),
        ("airflow-api", secrets.token_hex(24)),
        ("airflow-jwt", secrets.token_hex(32)),
    ):
        ring.create(name, fresh)
    passwords = layout.home / "secrets" / "airflow-passwords"
    if not passwords.exists():
        ring.write("airflow-passwords", f'{{"admin": "{secrets.token_urlsafe(12)}"}}')
