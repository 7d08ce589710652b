#!/usr/local/bin/python3 -IS
"""The health check of our images: `healthy URL [COMPONENT]` ends with 0 if URL answers 200 and the component is healthy.

COMPONENT is a key of Airflow's health report, `{"scheduler": {"status": "healthy", ...}, ...}`. Standard library only, for
it runs every few seconds and in every image.
"""

from __future__ import annotations

import json
import sys
import urllib.request

_PATIENCE_S = 4


def main() -> int:
    """The exit code that container engines understand."""
    url, *component = sys.argv[1:]
    if not url.startswith("http://"):
        print("Name an http:// address of this container.", file=sys.stderr)
        return 2
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy stands inside a stack
    try:
        with direct.open(url, timeout=_PATIENCE_S) as answer:
            found = json.load(answer) if component else {}
    except (OSError, ValueError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1
    return int(any(found.get(name, {}).get("status") != "healthy" for name in component))


if __name__ == "__main__":
    sys.exit(main())
