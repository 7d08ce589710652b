"""Suites: expectations/<domain>/<entity>.yml in, checked frozen rules out. Every mistake is a sentence with file, rule and cure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictStr, StringConstraints, ValidationError

from varai.canonical import entity
from varai.gate.derive import columns_of, typed
from varai.gate.vocabulary import VOCABULARY, Arguments, Expectation, OneColumn, Unique, is_kind
from varai.kernel import Misconfigured

Severity = Literal["hard", "soft"]
Dimension = Literal["validity", "completeness", "uniqueness", "consistency", "accuracy", "timeliness"]

_LANGUAGE = 1
"""Raised when the meaning of an unchanged suite changes, so that every row is judged anew."""


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Meta(_Written):
    """What a rule means beside its expectation."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z0-9_]+)+$")] = Field(
        description="name of the rule, unique"
    )
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="what a failing row is told"
    )
    severity: Severity = Field(description="hard: the row is quarantined; soft: it passes, flagged and scored")
    dimension: Dimension
    weight: int = Field(ge=1, le=100, strict=True, description="share in the row's score")
    about: Annotated[str, StringConstraints(min_length=10)] = Field(description="why the rule is there, one sentence")


class _WrittenRule(_Written):
    expect: StrictStr
    kwargs: dict[str, Any]
    meta: Meta


class Derived(_Written):
    """A column computed from the row before it is judged."""

    sql: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
    about: Annotated[str, StringConstraints(min_length=10)]


class _WrittenSuite(_Written):
    about: Annotated[str, StringConstraints(min_length=10)]
    derive: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Derived] = Field(default_factory=dict)
    rules: list[_WrittenRule] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation with its arguments, as written and as checked."""

    expect: str
    kwargs: Mapping[str, Any]
    arguments: Arguments
    meta: Meta


@dataclass(frozen=True)
class Suite:
    """The rules of one entity.

    Attributes:
        derive: derived columns in order.
        types: DuckDB types of all columns the suite may name, derived ones included.
        version: hash of its content: another version means that every row is judged anew.
    """

    entity: str
    about: str
    derive: Mapping[str, Derived]
    rules: tuple[Rule, ...]
    types: Mapping[str, str]
    version: str

    @cached_property
    def set_keys(self) -> tuple[str, ...]:
        """Columns judged for uniqueness over the whole stream, in name order."""
        return tuple(sorted({rule.arguments.column for rule in self.rules if isinstance(rule.arguments, Unique)}))

    @cached_property
    def weight(self) -> int:
        """Sum of the weights of its rules."""
        return sum(rule.meta.weight for rule in self.rules)

    @cached_property
    def judged(self) -> tuple[str, ...]:
        """Columns its rules look at, own and derived, in name order."""
        names = {name for rule in self.rules for name in rule.arguments.columns}
        names |= {rule.arguments.row_condition.column.name for rule in self.rules if rule.arguments.row_condition}
        return tuple(sorted(names))

    def reasons(self, severity: Severity) -> tuple[str, ...]:
        """Reasons that rules of a severity can give, in name order."""
        return tuple(sorted({rule.meta.reason for rule in self.rules if rule.meta.severity == severity}))


def load_suites(folder: Path) -> dict[str, Suite]:
    """Load every suite of a folder of domains (`<domain>/<entity>.yml`), by entity.

    Raises:
        Misconfigured: naming file, rule and cure; also when the folder holds no suite, or an entity has two.
    """
    found: dict[str, Suite] = {}
    for path in sorted(folder.glob("*/*.yml")):
        suite = load_suite(path)
        if suite.entity in found:
            raise Misconfigured(
                f"{path}: entity '{suite.entity}' has a suite in another domain.", "Keep one file per entity."
            )
        found[suite.entity] = suite
    if not found:
        raise Misconfigured(
            f"{folder} holds no suite.", "Set VARAI_EXPECTATIONS to the folder `expectations` of the repository."
        )
    return found


def load_suite(path: Path) -> Suite:
    """Load one suite; the file's name is the entity's name. Raises Misconfigured naming file, rule and cure."""
    try:
        return _read(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path} cannot be read as YAML: {error}.", "Correct the place it names.") from error


@lru_cache(maxsize=64)
def _read(path: Path, text: str) -> Suite:
    """The suite that a file's text says; a task reads the same few suites for every slice, and YAML is slow."""
    raw = yaml.safe_load(text)
    try:
        written = _WrittenSuite.model_validate(raw)
    except ValidationError as error:
        raise _explained(path, raw, error) from error
    columns = columns_of(entity(path.stem))
    types = typed(columns, {name: derived.sql for name, derived in written.derive.items()}, str(path))
    rules = tuple(_rule(path, rule, types) for rule in written.rules)
    _check_together(path, written, rules, columns)
    content = json.dumps([_LANGUAGE, path.stem, written.model_dump(mode="json")], sort_keys=True)
    version = hashlib.sha256(content.encode()).hexdigest()[:16]
    return Suite(path.stem, written.about, written.derive, rules, types, version)


def _rule(path: Path, written: _WrittenRule, types: Mapping[str, str]) -> Rule:
    where = f"{path}: rule `{written.meta.id}`"
    expectation = VOCABULARY.get(written.expect)
    if expectation is None:
        raise Misconfigured(
            f"{where}: the gate does not know `{written.expect}`.", f"Use one of {', '.join(VOCABULARY)}."
        )
    try:
        arguments = expectation.arguments.model_validate(written.kwargs)
    except ValidationError as error:
        raise Misconfigured(f"{where}: {_sentences(error)}.", f"Correct the kwargs of `{written.expect}`.") from error
    _check_columns(where, expectation, arguments, types)
    return Rule(written.expect, written.kwargs, arguments, written.meta)


def _check_columns(where: str, expectation: Expectation, arguments: Arguments, types: Mapping[str, str]) -> None:
    condition = arguments.row_condition
    for name in (*arguments.columns, *((condition.column.name,) if condition else ())):
        if name not in types:
            raise Misconfigured(f"{where}: there is no column `{name}`.", f"Known are {', '.join(sorted(types))}.")
        if types[name].endswith("]"):
            raise Misconfigured(f"{where}: column `{name}` is a list.", "Derive a text, a number or a boolean from it.")
    if condition is not None and condition.type == "comparison" and types[condition.column.name] != "VARCHAR":
        raise Misconfigured(
            f"{where}: the condition compares column `{condition.column.name}`, which is no text.", "Derive one."
        )
    for name in arguments.columns:
        if expectation.types is not None and not is_kind(types[name], expectation.types):
            raise Misconfigured(
                f"{where}: column `{name}` is {types[name]}.",
                f"The expectation takes {', '.join(expectation.types)}; derive one.",
            )
    problem = expectation.fits(arguments, types)
    if problem:
        raise Misconfigured(f"{where}: {problem}.", "Compare like with like.")


def _check_together(path: Path, written: _WrittenSuite, rules: tuple[Rule, ...], columns: Mapping[str, str]) -> None:
    for identity, times in Counter(rule.meta.id for rule in rules).items():
        if times > 1:
            raise Misconfigured(
                f"{path}: rule `{identity}` is there {times} times.", "Give each rule an id of its own."
            )
    for rule in rules:
        if not rule.meta.id.startswith(f"{path.stem}."):
            raise Misconfigured(
                f"{path}: rule `{rule.meta.id}` does not name its entity.", f"Begin the id with `{path.stem}.`."
            )
        if isinstance(rule.arguments, Unique):
            _check_unique(path, rule, rule.arguments, columns)
    text = " ".join(
        [*(derived.sql for derived in written.derive.values()), *(str(rule.kwargs) for rule in written.rules)]
    )
    for name in written.derive:
        if name not in text:
            raise Misconfigured(f"{path}: derive.{name} is used by no rule.", "Remove it.")


def _check_unique(path: Path, rule: Rule, arguments: OneColumn, columns: Mapping[str, str]) -> None:
    """Other holders of a value are known by the entity's own columns alone."""
    condition = arguments.row_condition
    if arguments.column not in columns or (condition and condition.column.name != arguments.column):
        raise Misconfigured(
            f"{path}: rule `{rule.meta.id}`: uniqueness looks at one column of the entity, in its condition too.",
            f"Use one of {', '.join(sorted(columns))}.",
        )


def _explained(path: Path, raw: Any, error: ValidationError) -> Misconfigured:
    first = error.errors(include_url=False)[0]["loc"]
    name = ""
    if len(first) > 1 and first[0] == "rules" and isinstance(first[1], int):
        meta = raw["rules"][first[1]].get("meta") if isinstance(raw["rules"][first[1]], dict) else None
        name = f" rule `{meta['id'] if isinstance(meta, dict) and 'id' in meta else first[1] + 1}`:"
    return Misconfigured(
        f"{path}:{name} {_sentences(error)}.",
        "Correct these keys; docs/how-to/add-a-rule.md shows a whole rule.",
    )


def _sentences(error: ValidationError) -> str:
    items = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"key `{'.'.join(str(part) for part in item['loc'])}`: {item['msg']}" for item in items)
