"""Writes docs/reference/ from the code, so that a page cannot say what the code does not.

In: the settings classes, the canonical entities, the typed errors, the commands, the docstrings of dags/ and dbt/metrics/.
Out: one page each, in `docs/reference/`. `make docs` runs it; a test compares its pages with those on disk.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from varai.canonical import ENTITIES
from varai.kernel import Feed, Region, Tenant, VaraiError, errors
from varai.marts import load_metrics
from varai.settings import RegionStores, Settings

REPOSITORY = Path(__file__).resolve().parents[3]
_MADE = "<!-- Made from the code by `make docs`; change the code instead. -->"


def pages(root: Any) -> Mapping[str, str]:
    """Text of every page by file name; `root` is the command line whose commands are described."""
    made = {
        "settings.md": _settings(),
        "entities.md": _entities(),
        "personal-data.md": _personal_data(),
        "errors.md": _errors(),
        "commands.md": _commands(root),
        "dags.md": _dags(REPOSITORY / "dags"),
        "metrics.md": _metrics(REPOSITORY / "dbt"),
    }
    return {name: text.rstrip() + "\n" for name, text in made.items()}


def write(folder: Path, made: Mapping[str, str]) -> None:
    """Write the pages and remove those that are made no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in folder.glob("*.md")} - made.keys():
        (folder / stale).unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def command_line() -> Any:
    """The root of the `varai` command; typer carries a click of its own, which has no public types."""
    from varai.cli.app import app

    return typer.main.get_command(app)


def _metrics(project: Path) -> str:
    heads = ["| metric | mart | unit | version | definition |", "|---|---|---|---|---|"]
    rows = heads + [
        f"| `{one.name}` | `{one.mart}` | {one.unit} | {one.version} | {one.definition} |"
        for one in load_metrics(project / "metrics").values()
    ]
    lead = "What every figure of a report means. The API names metric and version beside its figures."
    return _page("Metrics", lead, rows)


def _page(title: str, lead: str, parts: Iterable[str]) -> str:
    return "\n".join([f"# {title}", "", _MADE, "", lead, "", *parts])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head)]
    lines += [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _settings() -> str:
    variables, keys = ("variable", "type", "default", "what it is"), ("key", "type", "default", "what it is")
    lead = "The shell goes before `$VARAI_HOME/settings.env`, which `make up` writes, and that before the default."
    parts = [
        *("## A process", _table(variables, _fields(Settings, "VARAI_"))),
        *("## The stores of a region", _table(variables, _fields(RegionStores, "VARAI_STORES__<REGION>__"))),
        *("## config/regions.toml: a stanza per region", _table(keys, _fields(Region))),
        *("## config/tenants/: the file's head", _table(keys, _fields(Tenant))),
        *("## config/tenants/: a stanza per feed", _table(keys, _fields(Feed))),
    ]
    return _page("Settings", lead, parts)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, ...]]:
    by_path = () if prefix else ("name", "tenant")  # the file's or the stanza's name gives these
    for name, field in model.model_fields.items():
        if name not in by_path:
            key = f"{prefix}{name.upper()}" if prefix else name
            yield f"`{key}`", f"`{_type(field)}`", _default(field), field.description or ""


def _type(field: FieldInfo) -> str:
    annotation = field.annotation
    spelt = annotation.__name__ if inspect.isclass(annotation) else str(annotation)
    return re.sub(r"[a-z_]+\.(?=[\w.]*[A-Z])", "", spelt)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Path) and value.is_relative_to(REPOSITORY):
        value = value.relative_to(REPOSITORY)
    return "empty" if value in ("", {}) else f"`{value}`"


def _entities() -> str:
    head = ("field", "type", "class", "what it means")
    parts: list[str] = []
    for one in ENTITIES.values():
        rows = [
            (f"`{each.name}`{' (required)' if each.required else ''}", each.type, each.data_class, each.about)
            for each in one.fields
        ]
        parts += [f"## {one.name}", f"{one.about} Highest class: {one.data_class}.\n", _table(head, rows)]
    some = next(iter(ENTITIES.values()))
    own = {each.name for each in some.fields}
    shared = [
        (f"`{each.name}`", each.type, each.data_class, each.about) for each in some.stored if each.name not in own
    ]
    return _page("Entities", "What every connector maps to. Every entity also has:\n\n" + _table(head, shared), parts)


def _personal_data() -> str:
    rows = [
        (one.name, f"`{each.name}`", each.data_class, _place(each.subject, each.vault), each.about)
        for one in ENTITIES.values()
        for each in one.fields
        if each.data_class in ("personal", "health") or each.subject or each.vault
    ]
    lead = "Every field that says something about a person, and where it is kept. Objects that hold one are sealed."
    return _page(
        "Register of personal data", lead, [_table(("entity", "field", "class", "kept", "what it means"), rows)]
    )


def _place(subject: bool, vault: bool) -> str:
    if vault:
        return "in the vault, under the subject's key"
    return "as a keyed pseudonym" if subject else "in the region, sealed at rest"


def _errors() -> str:
    found = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, VaraiError)]
    rows = [
        (
            f"`{each.__name__}`",
            _first_line(each.__doc__),
            each.default_cure,
            f"[{each.kind}](../runbooks/{each.kind}.md)",
        )
        for each in found
        if each is not VaraiError
    ]
    return _page(
        "Errors",
        "Typed, each with a cure and a runbook.",
        [_table(("error", "what happened", "cure", "runbook"), rows)],
    )


def _commands(root: Any) -> str:
    parts: list[str] = []
    for path, command in _walk(root, "varai"):
        options = [_option(each) for each in command.params if not getattr(each, "hidden", False)]
        parts += [f"## `{path}`", _first_line(command.help) + "\n"]
        if options:
            parts.append(_table(("parameter", "what it is"), options))
    return _page("Commands", "`varai --help` says the same on a terminal.", parts)


def _walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    children: Mapping[str, Any] = getattr(command, "commands", {})
    if not children:
        yield path, command
    for name in sorted(children):
        yield from _walk(children[name], f"{path} {name}")


def _option(parameter: Any) -> tuple[str, str]:
    spelt = parameter.opts if parameter.param_type_name == "option" else [str(parameter.name).upper()]
    names = ", ".join(f"`{name}`" for name in spelt)
    about = getattr(parameter, "help", None) or ""
    return names, f"{about}{' (required)' if parameter.required else ''}".strip()


def _dags(folder: Path) -> str:
    parts: list[str] = []
    for path in sorted(folder.glob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        parts += [f"## dags/{path.name}", text + "\n"]
    return _page("DAGs", "What each file of `dags/` says of itself; Airflow shows the same beside the graph.", parts)


def _first_line(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split())


if __name__ == "__main__":
    write(REPOSITORY / "docs/reference", pages(command_line()))
