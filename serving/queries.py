"""Parameters of a busy route: a request in, a checked struct out; and the same struct in the OpenAPI document.

FastAPI's own way costs some 50 us of CPU per parameter, more than the answers themselves. A struct's fields say type and
bounds, and are read and described from there alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from fastapi import Request

from serving.problems import Problem

Struct = TypeVar("Struct", bound=msgspec.Struct)
HEADER: Final = "header"
"""Key of a field's `extra`: the header it is read from; a field without is read from the query."""
_LONGEST_NAME, _MOST_NAMES = 63, 10
"""What of unknown parameters is told back."""
_PLACE = re.compile(r"(?P<what>.*?) - at `\$\.(?P<name>\w+)[^`]*`$")


class Reader:
    """Reads requests into structs of one kind. Fields that are tuples may be repeated; of others the last counts.

    Args:
        kind: a struct whose fields all have defaults, and descriptions in `msgspec.Meta`.
    """

    def __init__(self, kind: type[Struct]) -> None:
        self._kind: type[Any] = kind
        shape = msgspec.json.schema(kind)
        properties: Mapping[str, Any] = shape["$defs"][kind.__name__]["properties"]
        self._headers = {name: one.pop(HEADER) for name, one in properties.items() if HEADER in one}
        self._several = {name for name, one in properties.items() if one.get("type") == "array"}
        self._names = properties.keys() - self._headers.keys()
        self.parameters = [self._described(name, dict(one)) for name, one in properties.items()]

    def read(self, request: Request) -> Any:
        """The request's parameters.

        Raises:
            Problem: one is wrong or unknown; it is named, never quoted.
        """
        given: dict[str, Any] = {}
        unknown: list[str] = []
        for name, value in request.query_params.multi_items():
            if name in self._several:
                given.setdefault(name, []).append(value)
            elif name in self._names:
                given[name] = value
            else:
                unknown.append(name)
        if unknown:
            raise no_such(unknown, self._names)
        for name, header in self._headers.items():
            held = request.headers.get(header)
            if held is not None:
                given[name] = held
        try:
            return msgspec.convert(given, self._kind, strict=False)
        except msgspec.ValidationError as error:
            raise self._problem(str(error)) from error

    def _problem(self, text: str) -> Problem:
        found = _PLACE.match(text)
        name = found["name"] if found else ""
        where = f"header.{self._headers[name]}" if name in self._headers else f"query.{name}"
        errors = [{"where": where, "what": found["what"] if found else text}]
        return Problem("invalid", "Correct the parameters named in `errors`.", errors=errors)

    def _described(self, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        about, default = schema.pop("description", ""), schema.get("default")
        if default in ("", ()):  # that is: not given
            schema.pop("default", None)
        header = self._headers.get(name)
        place = {"name": header or name, "in": "header" if header else "query"}
        return {**place, "required": False, "description": about, "schema": schema}


def no_such(unknown: Iterable[str], known: Iterable[str]) -> Problem:
    """What is answered to parameters that nobody reads: a misspelt one would silently be the default."""
    what = f"there is no such parameter, known: {', '.join(sorted(known))}"
    named = list(dict.fromkeys(unknown))[:_MOST_NAMES]
    errors = [{"where": f"query.{name[:_LONGEST_NAME]}", "what": what} for name in named]
    return Problem("invalid", "Correct the parameters named in `errors`.", errors=errors)
