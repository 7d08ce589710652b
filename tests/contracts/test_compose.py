"""docker-compose.yml keeps its promises: it follows the specification, names settings that exist, holds no secret, tells regions apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from sandbox.compose.engine import addresses
from sandbox.compose.state import State, prepare, region_secrets
from tests.conftest import REPOSITORY
from varai import __version__
from varai.settings import RegionStores, Settings

Service = dict[str, Any]
OURS = {f"varai/{name}:{__version__}": name for name in ("platform", "serving", "vendors")}
EXACT = re.compile(
    r"^[a-z0-9./-]+:v?\d+\.\d+\.\d+([.-][a-z0-9.-]+)?(@sha256:[0-9a-f]{64})?$|^postgres:\d+\.\d+$|^mongo:8\.\d+\.\d+$"
)
SECRET_NAME = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|CREDENTIAL|CONN", re.I)
CREDENTIALS_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
FROM_FILE = re.compile(r"_(FILE|CMD)$")
SIMULATED = tuple(sorted(path.parent.name for path in (REPOSITORY / "sandbox/vendors").glob("*/__main__.py")))
REGION_OF_ROOM = (
    "documents",
    "documents-init",
    "cache",
    "objects",
    *SIMULATED,
    "registry-db",
    "registry",
    "shop",
    "report",
    "hook",
    "inbox",
)
PLATFORM = {"airflow-db", "airflow-init", "airflow-api", "airflow-scheduler", "airflow-dag-processor", "pages"}


class Strict(yaml.SafeLoader):
    """YAML whose mappings name a key once."""


def _mapping(loader: Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it bare
    assert len(keys) == len(set(keys)), f"A key is given twice near line {node.start_mark.line + 1}: {keys}"
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    return (repository / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    found = yaml.load(text, Strict)  # noqa: S506 - a SafeLoader
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    return dict(compose["services"])


@pytest.fixture(scope="module")
def regions(repository: Path) -> list[str]:
    return sorted(Settings(config=repository / "config", _env_file=None).regions)


def strings(found: Any) -> Iterator[str]:
    """Every text in a tree of YAML, keys too."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from strings(key)
            yield from strings(value)
    elif isinstance(found, list):
        for one in found:
            yield from strings(one)
    elif isinstance(found, str):
        yield found


def mention(region: str) -> re.Pattern[str]:
    """Finds a region's name as a word, in either case."""
    return re.compile(rf"(?<![a-z]){region}(?![a-z])", re.I)


def once(service: Service) -> bool:
    """Whether it does one thing and ends."""
    return bool(service["restart"] == "no")


def test_it_follows_the_specification(compose: dict[str, Any]) -> None:
    filled = yaml.safe_dump(compose, width=1_000).replace("$$", "$")
    for variable, value in (("STUDIO_USER", "1000:1000"), ("STUDIO_STATE", "/state")):
        filled = re.sub(r"\$\{" + variable + r"[^}]*\}", value, filled)
    parsed = PyCompose.from_yaml(filled)
    assert set(parsed.service_names()) == set(compose["services"])


def test_everything_the_platform_needs_is_there_in_every_region(
    services: dict[str, Service], regions: list[str]
) -> None:
    wanted = PLATFORM | {f"{room}-{region}" for region in regions for room in REGION_OF_ROOM}
    assert set(services) == wanted, (
        "docs/how-to/add-a-region.md and add-a-connector.md say what a region or a vendor takes here"
    )
    for vendor in (f"{name}-{region}" for region in regions for name in SIMULATED):
        assert vendor in services["airflow-scheduler"]["depends_on"], f"airflow-scheduler does not wait for {vendor}"


def test_every_service_is_probed_limited_and_unprivileged(services: dict[str, Service]) -> None:
    for name, service in services.items():
        if once(service):
            waiting = [one for one in services.values() if name in one.get("depends_on", {})]
            assert waiting and all(
                one["depends_on"][name]["condition"] == "service_completed_successfully" for one in waiting
            ), name
        else:
            assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"]), name
        limits = service["deploy"]["resources"]["limits"]
        assert float(limits["cpus"]) > 0 and re.fullmatch(r"\d+[mg]", limits["memory"]) and limits["pids"] > 0, name
        assert service["user"].startswith("${STUDIO_USER:?"), name
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged") and service.get("network_mode") is None, name
        assert service["logging"]["options"]["max-size"], name


def test_dependencies_exist_and_are_waited_for_until_well(services: dict[str, Service]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if once(services[other]) else "service_healthy"
            assert how["condition"] == wanted, (name, other)


def test_images_are_pinned(services: dict[str, Service], repository: Path) -> None:
    for name, service in services.items():
        image = service["image"]
        if image in OURS:
            assert service["build"]["dockerfile"] == f"deploy/images/{OURS[image]}.Dockerfile", name
            assert (repository / service["build"]["dockerfile"]).is_file()
        else:
            assert EXACT.match(image) and "build" not in service, f"{name}: {image} is no exact tag"


def test_every_setting_named_exists(services: dict[str, Service], repository: Path, regions: list[str]) -> None:
    flat = {f"VARAI_{name.upper()}" for name in Settings.model_fields} - {
        "VARAI_STORES",
        "VARAI_VENDORS",
        "VARAI_ADDRESSES",
    }
    known = flat | {
        f"VARAI_STORES__{region.upper()}__{key.upper()}" for region in regions for key in RegionStores.model_fields
    }
    vendors = {
        f"VARAI_VENDORS__{name.upper()}"
        for seed in Settings(config=repository / "config", _env_file=None).seeds
        for feed in seed.feeds
        for name in re.findall(r"\$\{([a-z0-9_]+)\}", feed.base_url)
    }
    known |= {re.sub(r"_[A-Z]+$", f"_{region.upper()}", name) for name in vendors for region in regions}
    known |= {f"VARAI_ADDRESSES__{name.upper()}" for name in addresses()}
    named = {name for one in services.values() for name in one.get("environment", {}) if name.startswith("VARAI_")}
    images = "".join(path.read_text() for path in sorted((repository / "deploy/images").glob("*.Dockerfile")))
    named |= set(re.findall(r"\bVARAI_[A-Z_]+", images))
    assert named <= known, f"settings.py knows nothing of {sorted(named - known)}"
    assert vendors <= named, "a seed's base_url has a placeholder that nothing fills"


def test_settings_load_from_what_a_service_is_given(
    services: dict[str, Service], tmp_path: Path, regions: list[str]
) -> None:
    """Each process makes the scopes of the regions it is given, from the secrets that `prepare` writes."""
    state = State(tmp_path)
    for region in regions:
        region_secrets(state, region)
    for name, service in services.items():
        given = {
            key: str(value) for key, value in service.get("environment", {}).items() if key.startswith("VARAI_STORES")
        }
        for region in regions:
            prefix = f"VARAI_STORES__{region.upper()}__"
            if prefix + "SECRETS" not in given:
                continue
            stores = {key.removeprefix(prefix).lower(): value for key, value in given.items() if key.startswith(prefix)}
            stores["secrets"] = str(state.root / "rings" / region)
            scope = Settings(stores={region: RegionStores(**stores)}, _env_file=None).scope(region)
            assert f"documents-{region}:" in scope.documents_uri and f"cache-{region}:" in scope.cache_url, name
            assert scope.bucket == f"gs://varai-{region}" and f"objects-{region}:" in scope.bucket_url, name


def test_no_secret_is_in_the_file(services: dict[str, Service], text: str) -> None:
    assert not CREDENTIALS_IN_URL.search(text)
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if key.startswith("VARAI_STORES__") and key.endswith(("_SECRET", "__SECRETS")):
                continue  # names of secrets, and the folder they lie in
            if SECRET_NAME.search(key):
                assert FROM_FILE.search(key) and "/run/secrets/" in str(value), f"{name}: {key}"
        assert not [
            one for one in strings(service.get("command", [])) if re.search(r"--?(password|requirepass|token)\b", one)
        ], name


def test_secrets_named_are_those_that_are_made(
    compose: dict[str, Any], services: dict[str, Service], tmp_path: Path
) -> None:
    state = State(tmp_path)
    prepare(state, lambda _: None, shops=False)
    declared = {name: one["file"] for name, one in compose["secrets"].items()}
    assert set(declared) == {path.name for path in (tmp_path / "secrets").iterdir()}
    assert all(file == "${STUDIO_STATE:?}/secrets/" + name for name, file in declared.items())
    used = {name for one in services.values() for name in one.get("secrets", [])}
    assert used == set(declared)
    for name, service in services.items():
        mentioned = {one for text in strings(service) for one in re.findall(r"/run/secrets/([a-z-]+)", text)}
        assert mentioned <= set(service.get("secrets", [])), name


def test_folders_named_are_those_that_are_made(services: dict[str, Service], tmp_path: Path, repository: Path) -> None:
    prepare(State(tmp_path), lambda _: None, shops=False)
    for name, service in services.items():
        for volume in service.get("volumes", []):
            if volume["type"] != "bind":
                continue
            source = volume["source"].replace("${STUDIO_STATE:?}", str(tmp_path))
            assert (repository / source).exists(), (name, source)
            assert volume["bind"] == {"create_host_path": False}, f"{name}: the engine would make {source} as root's"


def test_ports_are_this_machines_alone_and_once(services: dict[str, Service]) -> None:
    taken = [port for one in services.values() for port in one.get("ports", [])]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in taken), taken
    outside = [port.split(":")[1] for port in taken]
    assert len(outside) == len(set(outside))
    assert {url.split("/")[2].split(":")[1] for url in addresses().values()} <= set(outside)


def test_a_regions_services_reach_that_region_alone(services: dict[str, Service], regions: list[str]) -> None:
    for region in regions:
        others = [one for one in regions if one != region]
        for name in (f"{room}-{region}" for room in REGION_OF_ROOM):
            assert services[name]["networks"] == [region], name
            foreign = [text for text in strings(services[name]) for other in others if mention(other).search(text)]
            assert not foreign, f"{name} names another region: {foreign}"


def test_addresses_inside_name_services_that_can_be_reached(services: dict[str, Service]) -> None:
    """A host named in a service's environment or command is a service on a network of its own."""
    for name, service in services.items():
        told = [*strings(service.get("environment", {})), *strings(service.get("command", []))]
        for host in {host for one in told for host in re.findall(r"(?<!gs)://(?:\w+@)?([a-z][a-z0-9-]*)(?=[:/])", one)}:
            assert host in services, f"{name} speaks to {host}"
            if name != "airflow-dag-processor":  # it is told what all of Airflow is told, and opens no store
                assert set(service["networks"]) & set(services[host]["networks"]), f"{name} cannot reach {host}"


def test_regions_are_told_alike(services: dict[str, Service], regions: list[str]) -> None:
    """What differs between two stanzas is the region's name and the ports of this machine."""

    def neutral(region: str) -> str:
        found = {name.removesuffix(region): services[name] for name in services if name.endswith(f"-{region}")}
        return re.sub(r"(127\.0\.0\.1|localhost):8[1-9]0", r"\1:8_0", mention(region).sub("R", yaml.safe_dump(found)))

    first, *rest = [neutral(region) for region in regions]
    assert all(one == first for one in rest)


def test_images_leave_out_what_they_must_not_hold(repository: Path) -> None:
    def locked(name: str) -> set[str]:
        return set(
            re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*\])?==", (repository / f"requirements/{name}.txt").read_text(), re.M)
        )

    heavy = {"apache-airflow", "apache-airflow-core", "dbt-core", "great-expectations", "kfp", "mlflow", "scikit-learn"}
    assert locked("platform") >= heavy | {"apache-airflow-providers-fab", "psycopg2-binary", "asyncpg"}
    assert not locked("serving") & heavy
    assert not locked("vendors") & heavy
    for name in ("platform", "serving", "vendors"):
        assert "secantusdb" not in locked(name), f"{name}: its licence is GPL-2.0"


@pytest.mark.parametrize("name", ["platform", "serving", "vendors"])
def test_dockerfiles_have_stages_a_pin_and_no_root(repository: Path, name: str) -> None:
    text = (repository / f"deploy/images/{name}.Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)( AS \w+)?$", text, re.M)
    assert len(bases) == 2 and all(EXACT.match(base) for base, _ in bases)
    final = text.rpartition("FROM ")[2]
    assert re.findall(r"^USER (\S+)$", final, re.M) == ["10001:10001"]
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|SECRET_KEY|TOKEN)", text, re.M)
    ignored = (repository / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for source in re.findall(r"^COPY (?!--from)(?:--chmod=\d+ )?(.+) \S+$", text, re.M):
        for one in source.split():
            assert (repository / one).exists(), f"{name}: {one}"
            assert any(f"!{one}/".startswith(kept) or f"!{one}" == kept for kept in ignored if kept.startswith("!")), (
                one
            )


def test_airflow_signs_people_in_for_real(services: dict[str, Service]) -> None:
    for name, service in services.items():
        if "airflow" in name and service["image"] in OURS:
            assert service["environment"]["AIRFLOW__CORE__AUTH_MANAGER"].endswith(".FabAuthManager"), name
