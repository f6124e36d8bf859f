"""`make bench`: every figure in one run, on the screen and in `tests/bench/results.json`.

`python -m tests.bench NAME…` measures only what is named and leaves the other rows of the file as they are. Exit
code 1: a goal was missed.
"""

import importlib
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.bench.quiet import quiet
from tests.bench.rows import HEAD, Row, line

RESULTS: Final = Path(__file__).parent / "results.json"
# Each module has `measure() -> list[Row]`.
MODULES: Final = {
    "translate": "tests.bench.translate.measure",
    "sink": "tests.bench.sink",
    "demo": "tests.bench.demo",
    "receiver": "tests.bench.receiver",
    "latency": "tests.bench.latency",
    "hearing": "tests.bench.hearing",
    "memory": "tests.bench.memory",
    "backlog": "tests.bench.backlog",
    "mixed": "tests.bench.mixed",
    "tenants": "tests.bench.tenants",
    "real_time": "tests.bench.real_time",
    "sandbox": "tests.bench.sandbox_speed",
}


def main(names: Sequence[str]) -> int:
    """Measure, print, write."""
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        sys.stderr.write(f"there is no figure {', '.join(unknown)}: choose from {', '.join(MODULES)}\n")
        return 2
    quiet()
    rows: list[Row] = []
    sys.stdout.write(HEAD + "\n")
    for name in names or MODULES:
        started_s = time.monotonic()
        measured = importlib.import_module(MODULES[name]).measure()
        for row in measured:
            sys.stdout.write(line(row) + "\n")
        sys.stderr.write(f"{name} took {time.monotonic() - started_s:.0f} s\n")
        rows += measured
    _write(rows, keep_others=bool(names))
    return 1 if any(row["met"] is False for row in rows) else 0


def _write(rows: Iterable[Row], *, keep_others: bool) -> None:
    before: list[Row] = json.loads(RESULTS.read_text()) if keep_others and RESULTS.exists() else []
    merged = {row["figure"]: row for row in before} | {row["figure"]: row for row in rows}
    RESULTS.write_text(json.dumps(list(merged.values()), indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
