"""TOML files in, validated models out; every mistake becomes a sentence naming file, key and cure."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from varai.kernel import Misconfigured


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; raises Misconfigured when it is missing or not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Misconfigured(
            f"{path} does not exist.", "Create it, or set VARAI_CONFIG to the folder that has it."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} is not valid TOML: {error}.", "Correct the line it names.") from error


def explain(path: Path, error: ValidationError, under: str = "") -> Misconfigured:
    """Turn a validation error into one sentence: file, key, what is wrong; and the cure."""
    parts = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        key = ".".join(str(part) for part in (under, *item["loc"]) if part != "")
        parts.append(f"key `{key}`: {item['msg']}")
    return Misconfigured(
        f"{path}: {'; '.join(parts)}.", "Correct these keys; docs/reference/settings.md lists what each takes."
    )
