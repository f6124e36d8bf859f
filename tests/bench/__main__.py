"""`make bench`: every figure in one run, on the screen and in `tests/bench/results.json`.

Each figure is measured against a rival or a limit in the same run. `against_value` is that rival's figure or the
limit, `goal` the least value (of the ratio where there is a rival), `met` whether it was reached.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from tests.bench import sandbox_speed

RESULTS: Final = Path(__file__).parent / "results.json"


def main() -> int:
    """Measure, print, write; 1 when a goal was missed."""
    rows = [_row(measured) for measured in sandbox_speed.measure()]
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
    for row in rows:
        against = f"{row['ratio']:.2f} of {row['against']}" if row["ratio"] is not None else ""
        verdict = {True: "met", False: "MISSED", None: ""}[row["met"]]
        sys.stdout.write(f"{row['figure']:<46} {row['value']:>10,.1f} {row['unit']:<16} {against:<34} {verdict}\n")
    return 1 if any(row["met"] is False for row in rows) else 0


def _row(measured: dict[str, Any]) -> dict[str, Any]:
    goal = measured["goal"] or None
    return {
        "figure": measured["figure"],
        "value": measured["value"],
        "unit": measured["unit"],
        "against": f"the goal of {goal:,}" if goal else None,
        "against_value": goal,
        "ratio": round(measured["value"] / goal, 3) if goal else None,
        "goal": goal,
        "met": measured["met"] if goal else None,
    }


if __name__ == "__main__":
    sys.exit(main())
