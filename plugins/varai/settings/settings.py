"""The settings of a process: environment (prefix VARAI_), then $VARAI_HOME/settings.env, then defaults; and config/regions.toml.

`up` writes settings.env when it has chosen the ports; compose and cloud set the environment. Only this module makes Scopes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from varai.kernel import Feed as FeedWord
from varai.kernel import Misconfigured, Plane, Region, Scope, SecretSource
from varai.settings.secrets import FolderSecrets, GoogleSecrets
from varai.settings.seeds import Seed, load_seeds
from varai.settings.toml import explain, read_toml

_REPOSITORY = Path(__file__).resolve().parents[3]
_PLACEHOLDER = re.compile(r"\$\{([a-z0-9_]+)\}")


class RegionStores(BaseModel):
    """Addresses of one region's stores; empty ones fall back to folders under $VARAI_HOME."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents_uri: str = Field(default="", description="MongoDB connection string without a password")
    documents_secret: str = Field(
        default="", description="name of the secret that holds the whole connection string instead"
    )
    cache_url: str = Field(default="", description="Valkey or Redis URL without a password; empty: no cache")
    cache_secret: str = Field(default="", description="name of the secret that holds the whole cache URL instead")
    bucket: str = Field(default="", description="folder or gs:// URL; default $VARAI_HOME/buckets/<region>")
    bucket_url: str = Field(default="", description="where a gs:// bucket answers when it is an emulator's")
    secrets: str = Field(default="", description="folder of this region's own secrets; default $VARAI_HOME/secrets")
    warehouse: str = Field(
        default="",
        description="DuckDB file or bigquery://project/dataset; default $VARAI_HOME/warehouse/<region>.duckdb",
    )
    serving_url: str = Field(default="", description="where this region's serving answers, for status and links")
    registry_url: str | None = Field(
        default=None, description="where this region's registry of models (MLflow) answers; none: no models are served"
    )
    pipelines_url: str | None = Field(
        default=None, description="where this region's Kubeflow Pipelines answers; needed when pipelines is kubeflow"
    )
    pipelines_image: str = Field(
        default="", description="image of the platform that holds this region's settings, for steps that run elsewhere"
    )
    pipelines_root: str = Field(
        default="", description="gs:// folder for the names that steps exchange; needed when pipelines is vertex"
    )

    @field_validator("registry_url", "pipelines_url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        """An address that requests can be sent to, without the slash that paths begin with; empty is none."""
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.password or parts.query:
            raise ValueError("write http(s)://host:port, without a password")
        return url.rstrip("/")


class Settings(BaseSettings):
    """Everything a process needs to know about the machine it runs on."""

    model_config = SettingsConfigDict(env_prefix="VARAI_", env_nested_delimiter="__", extra="ignore", frozen=True)

    home: Path = Field(default=Path("var"), description="where the embedded stack keeps its state")
    config: Path = Field(default=_REPOSITORY / "config", description="folder with regions.toml and tenants/")
    expectations: Path = Field(default=_REPOSITORY / "expectations", description="folder with the suites of the gate")
    dbt: Path = Field(default=_REPOSITORY / "dbt", description="folder of the dbt project")
    ml_pipelines: Path = Field(
        default=_REPOSITORY / "ml_pipelines", description="folder of the compiled pipeline and of models/"
    )
    pipelines: Literal["local", "kubeflow", "vertex"] = Field(
        default="local", description="where training runs: in the task itself, or submitted to the region's service"
    )
    database: str = Field(default="varai", description="name of the MongoDB database in each region")
    stores: Mapping[str, RegionStores] = Field(
        default_factory=dict, description="addresses per region: VARAI_STORES__<REGION>__<KEY>"
    )
    vendors: Mapping[str, str] = Field(
        default_factory=dict, description="values of ${name} in feeds' base_url: VARAI_VENDORS__<NAME>"
    )
    secrets_from: Literal["folder", "google"] = Field(default="folder", description="where secrets are resolved")
    google_project: str = Field(
        default="", description="project of Secret Manager when secrets_from is google, and of Vertex AI"
    )
    addresses: Mapping[str, str] = Field(
        default_factory=dict, description="user interfaces of this stack by name, for status"
    )
    workers: int = Field(default=4, ge=1, description="streams of a feed that run at the same time")
    landing_days: int = Field(default=90, ge=1, description="days a landed object is kept")

    @cached_property
    def regions(self) -> Mapping[str, Region]:
        """Regions by name, from config/regions.toml; raises Misconfigured."""
        path = self.config / "regions.toml"
        found = {}
        for name, raw in read_toml(path).items():
            try:
                found[name] = Region(name=name, **raw)
            except (ValidationError, TypeError) as error:
                if isinstance(error, ValidationError):
                    raise explain(path, error, name) from error
                raise Misconfigured(f"{path}: `{name}` is not a table.", f"Write it as [{name}].") from error
        if not found:
            raise Misconfigured(f"{path} names no region.", "Add a stanza such as [eu].")
        return found

    @cached_property
    def secrets(self) -> SecretSource:
        """The source of secrets of this profile."""
        if self.secrets_from == "google":
            return GoogleSecrets(self.google_project)
        return FolderSecrets(self.home / "secrets")

    @cached_property
    def seeds(self) -> tuple[Seed, ...]:
        """Tenants and feeds that a laptop starts with; raises Misconfigured."""
        return load_seeds(self.config / "tenants", self.regions.keys())

    def region(self, name: str) -> Region:
        """Look a region up; raises Misconfigured for an unknown one."""
        try:
            return self.regions[name]
        except KeyError as error:
            raise Misconfigured(f"There is no region '{name}', known: {', '.join(sorted(self.regions))}.") from error

    def scope(self, region: str, tenant: str | None = None, *, plane: Plane = "commerce") -> Scope:
        """Make the Scope of a region, or of one tenant in it. The only place where Scopes are made."""
        self.region(region)
        stores = self.stores.get(region, RegionStores())
        ring = FolderSecrets(Path(stores.secrets)) if stores.secrets else self.secrets
        uri = ring.read(stores.documents_secret) if stores.documents_secret else stores.documents_uri
        if not uri:
            raise Misconfigured(
                f"VARAI_STORES__{region.upper()}__DOCUMENTS_URI is not set, so region '{region}' has no document store.",
                "Start the embedded stack with `make up`, or set the variable.",
            )
        return Scope(
            region=region,
            tenant=tenant,
            plane=plane,
            bucket=stores.bucket or str(self.home.resolve() / "buckets" / region),
            documents_uri=uri,
            database=self.database,
            cache_url=ring.read(stores.cache_secret) if stores.cache_secret else stores.cache_url,
            warehouse=stores.warehouse or str(self.home.resolve() / "warehouse" / f"{region}.duckdb"),
            secrets=ring,
            bucket_url=stores.bucket_url,
            registry_url=stores.registry_url,
        )

    def base_url(self, feed: FeedWord) -> str:
        """The feed's base URL with `${name}` filled from `vendors`; raises Misconfigured for an unknown name."""

        def fill(match: re.Match[str]) -> str:
            try:
                return self.vendors[match[1]].rstrip("/")
            except KeyError as error:
                raise Misconfigured(
                    f"Feed {feed.key} has base_url '{feed.base_url}', but VARAI_VENDORS__{match[1].upper()} is not set.",
                    "Start the sandbox with `make up`, or write the vendor's URL into the feed.",
                ) from error

        return _PLACEHOLDER.sub(fill, feed.base_url).rstrip("/")


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; call it at an edge (DAG file, create_app, command line) and pass them down.

    Args:
        environment: stands in for os.environ in tests; VARAI_HOME in it decides which settings.env is read.

    Raises:
        Misconfigured: naming the variable and the cure.
    """
    env = os.environ if environment is None else environment
    home = Path(env.get("VARAI_HOME", "var"))
    try:
        if environment is None:
            return Settings(_env_file=home / "settings.env")
        return _from_mapping(environment, home / "settings.env")
    except ValidationError as error:
        raise explain(Path("environment (VARAI_*)"), error) from error


def _from_mapping(environment: Mapping[str, str], env_file: Path) -> Settings:
    """Settings from a mapping instead of the process's environment (os.environ is left alone after the call)."""
    kept = dict(os.environ)
    try:
        for name in [name for name in os.environ if name.startswith("VARAI_")]:
            del os.environ[name]
        os.environ.update({name: value for name, value in environment.items() if name.startswith("VARAI_")})
        return Settings(_env_file=env_file)
    finally:
        os.environ.clear()
        os.environ.update(kept)
