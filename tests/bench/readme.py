"""`python -m tests.bench.readme` writes what was reached, from `results.json`, into README.md: its table of speeds."""

import json
import re
from pathlib import Path
from typing import Final

from tests.bench.__main__ import RESULTS
from tests.bench.rows import Row

_README: Final = Path(__file__).resolve().parents[2] / "README.md"
_ROW: Final = re.compile(r"^\| `(?P<figure>[\w.]+)` \| [^|]* \|", re.MULTILINE)


def filled(text: str, rows: dict[str, Row]) -> str:
    """The text with the second cell of each row that names a figure; a figure that was not measured has a dash."""

    def cells(match: "re.Match[str]") -> str:
        row = rows.get(match["figure"])
        return f"| `{match['figure']}` | {'–' if row is None else _reached(row)} |"

    return _ROW.sub(cells, text)


def _reached(row: Row) -> str:
    value = f"{row['value']:,.0f}" if row["value"] >= 100 else f"{row['value']:.3g}"
    if row["against_value"] is None or row["ratio"] is None:
        return f"{value} {row['unit']}"
    return f"{row['ratio']:.2f} ({value} to {row['against_value']:,.4g} {row['unit']})"


def main() -> None:
    """Fill the table."""
    rows: dict[str, Row] = {row["figure"]: row for row in json.loads(RESULTS.read_text())}
    _README.write_text(filled(_README.read_text(), rows))


if __name__ == "__main__":
    main()
