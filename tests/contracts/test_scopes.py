"""Laws about regions, scopes, environment and import time, read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import pytest

REGION_NAMES = {"region", "regions"}
CLIENTS = {"MongoClient", "AsyncMongoClient", "Valkey", "Redis", "StrictRedis", "GCSStore", "LocalStore"}
READS_OR_CREATES = {
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "mkdir",
    "connect",
    "getenv",
    "load",
    "Settings",
} | CLIENTS


def last_name(node: ast.expr) -> str:
    """The word an expression ends in: `a.b.region` and `region` end in region, `x["region"]` too."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name
        case ast.Call(func=func):
            return last_name(func)
    return ""


def is_region(node: ast.expr) -> bool:
    """True for what names a region: region, scope.region, the_region, region.name."""
    name = last_name(node)
    if name == "name" and isinstance(node, ast.Attribute):
        return is_region(node.value)
    return name in REGION_NAMES or name.endswith("_region")


def is_word(node: ast.expr) -> bool:
    """True for a text written in the source, or a collection of them."""
    match node:
        case ast.Constant(value=str()):
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return bool(parts) and all(is_word(part) for part in parts)
    return False


def branches_on_region(tree: ast.AST) -> Iterator[ast.AST]:
    """Comparisons, matches and tables that treat one region otherwise than another."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=rest):
                sides = [left, *rest]
                if any(map(is_region, sides)) and any(map(is_word, sides)):
                    yield node
            case ast.Match(subject=subject) if is_region(subject):
                yield node
            case ast.Subscript(value=ast.Dict(), slice=key) if is_region(key):
                yield node


def makes_scope(tree: ast.AST) -> Iterator[ast.AST]:
    """Calls that make a Scope, or a copy of one with other fields."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=func) if last_name(func) == "Scope":
                yield node
            case ast.Call(func=func, args=[first, *_]) if last_name(func) == "replace" and last_name(first) == "scope":
                yield node


def reads_environment(tree: ast.AST) -> Iterator[ast.AST]:
    """Uses of the process's environment."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" | "putenv"):
                yield node
            case ast.ImportFrom(module="os", names=names) if {each.name for each in names} & {
                "environ",
                "environb",
                "getenv",
            }:
                yield node


def opens_connection(tree: ast.AST) -> Iterator[ast.AST]:
    """Calls that make a client of a document, cache or object store."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) in CLIENTS:
            yield node


def works_at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """Calls of a module's top level, or of a class body, that read, connect or create something."""
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "__name__" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Call) and last_name(node.func) in READS_OR_CREATES:
            yield node
        queue.extend(ast.iter_child_nodes(node))


Lint = Callable[[ast.AST], Iterator[ast.AST]]


def breaches(lint: Lint, trees: dict[str, ast.Module], allowed: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{name}:{getattr(node, 'lineno', 0)}"
        for name, tree in trees.items()
        if not allowed or not name.startswith(allowed)
        for node in lint(tree)
    ]


def test_a_region_is_a_value(library_trees: dict[str, ast.Module]) -> None:
    found = breaches(branches_on_region, library_trees)
    assert not found, f"Regions differ in config/regions.toml, not in code: {found}"


def test_dbt_does_not_branch_on_its_target(project_texts: dict[str, str]) -> None:
    found = [
        name
        for name, text in project_texts.items()
        if name.startswith("dbt/") and name.endswith(".sql") and "target.name" in text
    ]
    assert not found, f"Models are the same in every region: {found}"


def test_only_settings_makes_scopes(library_trees: dict[str, ast.Module]) -> None:
    found = breaches(makes_scope, library_trees, allowed=("plugins/varai/settings/",))
    assert not found, f"Ask `settings.scope(region, tenant)` for a Scope and pass it down: {found}"


def test_only_edges_read_the_environment(library_trees: dict[str, ast.Module]) -> None:
    # The library's first module only writes: a word for Arrow, which has no other ear for it.
    edges = ("plugins/varai/settings/", "plugins/varai/__init__.py", "sandbox/", "dags/", "bench/")
    found = breaches(reads_environment, library_trees, allowed=edges)
    assert not found, f"Add a field to varai.settings and pass it down: {found}"


def test_only_stores_open_connections(library_trees: dict[str, ast.Module]) -> None:
    found = breaches(opens_connection, library_trees, allowed=("plugins/varai/stores/", "sandbox/", "bench/"))
    assert not found, f"Ask varai.stores for the client of a Scope: {found}"


def test_nothing_happens_at_import(library_trees: dict[str, ast.Module]) -> None:
    library = {name: tree for name, tree in library_trees.items() if name.startswith(("plugins/varai/", "serving/"))}
    found = breaches(works_at_import, library)
    assert not found, f"Move it into a function that an edge calls: {found}"


@pytest.mark.parametrize(
    ("lint", "breach"),
    [
        (branches_on_region, 'if region == "eu": pass'),
        (branches_on_region, 'x = 1 if scope.region != "us" else 2'),
        (branches_on_region, 'if region.name in ("eu", "uk"): pass'),
        (branches_on_region, 'assert "eu" == feed_region'),
        (branches_on_region, 'match scope.region:\n    case "eu": pass'),
        (branches_on_region, 'zone = {"eu": 1, "us": 2}[region]'),
        (makes_scope, 'scope = Scope(region="eu")'),
        (makes_scope, "dataclasses.replace(scope, tenant=None)"),
        (reads_environment, 'import os\nos.environ["X"]'),
        (reads_environment, "from os import getenv"),
        (opens_connection, "client = pymongo.MongoClient(uri)"),
        (works_at_import, "SETTINGS = settings.load()"),
        (works_at_import, "class A:\n    text = Path('x').read_text()"),
        (works_at_import, "if True:\n    client = MongoClient()"),
    ],
)
def test_each_lint_finds_a_planted_breach(lint: Lint, breach: str) -> None:
    assert list(lint(ast.parse(breach)))


@pytest.mark.parametrize(
    ("lint", "fine"),
    [
        (branches_on_region, "if scope.region == feed.region: pass"),
        (branches_on_region, 'regions[region] = "eu"'),
        (branches_on_region, 'if region in settings.regions: name == "x"'),
        (makes_scope, "scope = settings.scope(region, tenant)"),
        (makes_scope, 'name.replace("a", "b")'),
        (works_at_import, "def f():\n    return open('x')"),
        (works_at_import, 'if __name__ == "__main__":\n    load()'),
    ],
)
def test_each_lint_spares_what_is_fine(lint: Lint, fine: str) -> None:
    assert not list(lint(ast.parse(fine)))
