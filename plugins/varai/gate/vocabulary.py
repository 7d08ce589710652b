"""The part of Great Expectations' vocabulary the gate speaks: arguments of an expectation in, SQL that is true for failing rows out.

Each entry keeps to the arguments on which the SQL and Great Expectations on pandas provably agree (the differential test
holds them equal); anything else is refused when a suite is loaded. Nulls pass everything but `not_be_null`, as they do there.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from varai.kernel import identifier, literal

NUMERIC = ("BIGINT", "INTEGER", "DECIMAL", "HUGEINT", "UBIGINT", "SMALLINT", "TINYINT", "UINTEGER")
TEXT = ("VARCHAR",)
DISCRETE = ("VARCHAR", "BOOLEAN", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "UBIGINT")
ORDERED = (*NUMERIC, "TIMESTAMP WITH TIME ZONE", "DATE")

# RE2 (DuckDB, Arrow) reads these in ASCII, Python's `re` in Unicode, or knows them not at all.
_UNPORTABLE = re.compile(r"\\[dDwWsSbBAZzpPQEC1-9]|\(\?(?!:|i\))|[*+?}]\+")

_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]", re.DOTALL)
"""An escaped sign or a set: inside, `$`, `(` and `)` are ordinary."""


class _Word(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnName(_Word):
    """A column, as Great Expectations writes it inside a condition."""

    name: StrictStr


class Nullity(_Word):
    """The rule applies to rows where a column is null, or is not."""

    type: Literal["nullity"]
    column: ColumnName
    is_null: StrictBool

    def sql(self) -> str:
        """True for rows the rule applies to."""
        return f"{identifier(self.column.name)} IS {'' if self.is_null else 'NOT '}NULL"


class Comparison(_Word):
    """The rule applies to rows where a text column equals a text, or does not (null differs from every text)."""

    type: Literal["comparison"]
    column: ColumnName
    operator: Literal["==", "!="]
    parameter: Annotated[StrictStr, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/-]*$")]

    def sql(self) -> str:
        """True for rows the rule applies to."""
        operator = "IS NOT DISTINCT FROM" if self.operator == "==" else "IS DISTINCT FROM"
        return f"{identifier(self.column.name)} {operator} {literal(self.parameter)}"


Condition = Annotated[Nullity | Comparison, Field(discriminator="type")]


class Arguments(_Word, ABC):
    """What every expectation may carry: `row_condition`, in Great Expectations' own form."""

    row_condition: Condition | None = None

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns the verdict depends on, the condition's own left out."""

    @abstractmethod
    def fails(self) -> str:
        """SQL that is true for rows that break the expectation (null and false: they keep it), the condition left out."""


class OneColumn(Arguments):
    """Arguments of an expectation on one column."""

    column: StrictStr

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def _name(self) -> str:
        return identifier(self.column)


class NotNull(OneColumn):
    """The column has a value; an empty text is one."""

    def fails(self) -> str:
        return f"{self._name} IS NULL"


class Unique(OneColumn):
    """No other row of the stream has the value; every holder of a shared value fails."""

    def fails(self) -> str:
        raise TypeError("Uniqueness is judged over the whole stream: compile.py does it.")


def _bound(value: int | float | None) -> Decimal | None:
    """The bound as a decimal; raises ValueError unless a binary number holds it exactly.

    Great Expectations compares with the binary number, SQL with the decimal one: 0.1 differs, 0.5 does not.
    """
    if value is None:
        return None
    exact = Decimal(repr(value))
    if not exact.is_finite() or Decimal(float(value)) != exact:
        raise ValueError(
            f"SQL and Great Expectations would read the bound {value} differently; use a fraction such as 0.5"
        )
    return exact


class _Bounds(OneColumn):
    min_value: StrictInt | float | None = None
    max_value: StrictInt | float | None = None
    strict_min: StrictBool = False
    strict_max: StrictBool = False

    @model_validator(mode="after")
    def _some(self) -> _Bounds:
        low, high = _bound(self.min_value), _bound(self.max_value)
        if low is None and high is None:
            raise ValueError("give min_value, max_value or both")
        if low is not None and high is not None and low > high:
            raise ValueError("min_value is greater than max_value")
        return self

    def _outside(self, measured: str) -> str:
        low, high = _bound(self.min_value), _bound(self.max_value)
        parts = []
        if low is not None:
            parts.append(f"{measured} {'<=' if self.strict_min else '<'} {literal(low)}")
        if high is not None:
            parts.append(f"{measured} {'>=' if self.strict_max else '>'} {literal(high)}")
        return f"({' OR '.join(parts)})"


class Between(_Bounds):
    """A number lies between two bounds."""

    def fails(self) -> str:
        return self._outside(self._name)


class LengthBetween(_Bounds):
    """A text has so many characters (Unicode code points)."""

    @field_validator("min_value", "max_value")
    @classmethod
    def _whole(cls, value: float | None) -> float | None:
        if isinstance(value, float):
            raise ValueError("a length is a whole number")
        return value

    def fails(self) -> str:
        return self._outside(f"length({self._name})")


class InSet(OneColumn):
    """The value is one of a set."""

    value_set: tuple[StrictBool, ...] | tuple[StrictInt, ...] | tuple[StrictStr, ...] = Field(min_length=1)

    @field_validator("value_set")
    @classmethod
    def _writable(cls, values: tuple[bool | int | str, ...]) -> tuple[bool | int | str, ...]:
        if any(isinstance(value, str) and "\x00" in value for value in values):
            raise ValueError("a set cannot hold a NUL byte; derive a boolean instead")
        return values

    def fails(self) -> str:
        return f"{self._name} NOT IN ({', '.join(literal(value) for value in self.value_set)})"


class NotInSet(InSet):
    """The value is none of a set."""

    def fails(self) -> str:
        return f"{self._name} IN ({', '.join(literal(value) for value in self.value_set)})"


def _ends(pattern: str) -> list[int]:
    """Where `$` means the end of the text; raises ValueError where something may follow it, or case is ignored."""
    bare = _ATOM.sub(lambda match: "x" * len(match[0]), pattern)
    places = [place for place, sign in enumerate(bare) if sign == "$"]
    for place in places:
        inside = bare[:place].count("(") > bare[:place].count(")")
        if inside or bare[place + 1 : place + 2] not in ("", "|"):
            raise ValueError("`$` stands at the end of the pattern or before a `|` that is in no group")
    if places and "(?i)" in pattern:
        raise ValueError("`$` and (?i) together are read differently by RE2 and Python; write both cases as [Aa]")
    return places


class MatchRegex(OneColumn):
    """The pattern is found somewhere in the text, as Python reads it: `$` stands before a last line break too."""

    regex: StrictStr

    @field_validator("regex")
    @classmethod
    def _portable(cls, pattern: str) -> str:
        if found := _UNPORTABLE.search(pattern):
            raise ValueError(
                f"`{found[0]}` means different things to RE2 and to Python; write sets such as [0-9] or [ \\t]"
            )
        if not pattern.isascii() or "\x00" in pattern:
            raise ValueError("a pattern is ASCII without NUL")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"the pattern does not compile: {error}") from error
        _ends(pattern)
        return pattern

    @property
    def _re2(self) -> str:
        """The pattern for RE2, to which `$` is the very end alone."""
        pattern = self.regex
        for place in reversed(_ends(pattern)):
            pattern = f"{pattern[:place]}\\n?\\z{pattern[place + 1 :]}"
        return pattern

    def fails(self) -> str:
        return f"NOT regexp_matches({self._name}, {literal(self._re2)})"


class NotMatchRegex(MatchRegex):
    """The pattern is found nowhere in the text."""

    def fails(self) -> str:
        return f"regexp_matches({self._name}, {literal(self._re2)})"


class _Pair(Arguments):
    column_A: StrictStr  # noqa: N815 - the word of Great Expectations
    column_B: StrictStr  # noqa: N815 - the word of Great Expectations
    # Its default keeps pairs with one null, and then compares a number with nothing.
    ignore_row_if: Literal["either_value_is_missing"]

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column_A, self.column_B)


class PairGreater(_Pair):
    """A is greater than B, or equal where `or_equal` says so; a pair with a null passes."""

    or_equal: StrictBool = False

    def fails(self) -> str:
        return f"{identifier(self.column_A)} {'<' if self.or_equal else '<='} {identifier(self.column_B)}"


class PairEqual(_Pair):
    """A equals B; a pair with a null passes."""

    def fails(self) -> str:
        return f"{identifier(self.column_A)} <> {identifier(self.column_B)}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """A word of the vocabulary: its arguments, and the DuckDB types of columns it is defined on (None: any)."""

    arguments: type[Arguments]
    types: tuple[str, ...] | None
    fits: Callable[[Any, Mapping[str, str]], str | None] = lambda arguments, types: None


def _set_fits(arguments: InSet, types: Mapping[str, str]) -> str | None:
    kind, first = types[arguments.column], arguments.value_set[0]
    wanted = "BOOLEAN" if isinstance(first, bool) else "VARCHAR" if isinstance(first, str) else "a whole number"
    given = kind if kind in ("BOOLEAN", "VARCHAR") else "a whole number"
    return None if wanted == given else f"column `{arguments.column}` is {kind} and the set is not"


def _pair_fits(arguments: _Pair, types: Mapping[str, str]) -> str | None:
    kinds = ["number" if is_kind(types[name], NUMERIC) else types[name] for name in arguments.columns]
    return (
        None
        if kinds[0] == kinds[1]
        else f"`{arguments.column_A}` is {kinds[0]} and `{arguments.column_B}` is {kinds[1]}"
    )


def is_kind(duckdb_type: str, kinds: tuple[str, ...]) -> bool:
    """Whether a DuckDB type is one of `kinds`; precision and scale of decimals do not matter."""
    return duckdb_type.partition("(")[0] in kinds


VOCABULARY: Mapping[str, Expectation] = {
    "expect_column_values_to_not_be_null": Expectation(NotNull, None),
    "expect_column_values_to_be_unique": Expectation(Unique, TEXT),
    "expect_column_values_to_be_between": Expectation(Between, NUMERIC),
    "expect_column_values_to_be_in_set": Expectation(InSet, DISCRETE, _set_fits),
    "expect_column_values_to_not_be_in_set": Expectation(NotInSet, DISCRETE, _set_fits),
    "expect_column_values_to_match_regex": Expectation(MatchRegex, TEXT),
    "expect_column_values_to_not_match_regex": Expectation(NotMatchRegex, TEXT),
    "expect_column_value_lengths_to_be_between": Expectation(LengthBetween, TEXT),
    "expect_column_pair_values_a_to_be_greater_than_b": Expectation(PairGreater, ORDERED, _pair_fits),
    "expect_column_pair_values_to_be_equal": Expectation(PairEqual, (*ORDERED, *TEXT, "BOOLEAN"), _pair_fits),
}
