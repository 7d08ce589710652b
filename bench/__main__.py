"""All benchmarks, one after the other, each in a process of its own: python -m bench [NAME ...]

Ends with 1 when one of them missed a goal; the others are run all the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

BENCHMARKS = (
    *("catalogue", "connectors", "fleet", "gate", "hooks", "ingest"),
    *("predict", "recommender", "requests", "serving"),
)


def main() -> int:
    """Run the benchmarks named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all when left out")
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.")
    missed = []
    for name in names:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode:
            missed.append(name)
        print(flush=True)
    if missed:
        print(f"Goals were missed, or a benchmark failed: {', '.join(missed)}.", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
