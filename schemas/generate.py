"""Writes the published contracts into schemas/generated: `python -m schemas.generate [--check]`.

A change that breaks a promise of a committed, non-draft schema is not written. `--check` writes nothing: it says what
is not as the models would make it, and exits 1.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from schemas import compatibility
from schemas.contracts import contracts, file_name
from schemas.events import EVENT_TYPES

GENERATED: Final = Path(__file__).parent / "generated"
_REMEDY: Final = "Run: python -m schemas.generate"


def broken(folder: Path, wanted: dict[str, str]) -> list[str]:
    """What the models no longer keep of the committed schemas, in sentences."""
    found: list[str] = []
    frozen = {file_name(row): row for row in EVENT_TYPES.values() if not row.draft}
    for file in sorted(folder.glob("com.*.json")):
        committed = json.loads(file.read_text(encoding="utf-8"))
        if file.name in frozen:
            found += compatibility.problems(committed, json.loads(wanted[file.name]), frozen[file.name].name)
        elif file.name not in wanted and "x-draft" not in committed:
            found.append(f"{file.name}: the event type is gone. Keep it: stored events are of it.")
    return found


def drifted(folder: Path, wanted: dict[str, str]) -> list[str]:
    """The names of the files that are missing, not as the models make them, or no longer made."""
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    return sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))


def main(arguments: list[str], folder: Path = GENERATED) -> int:
    """The command; 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 if a file is not up to date")
    check = parser.parse_args(arguments).check
    wanted = contracts()
    if problems := broken(folder, wanted):
        sys.stderr.write("\n".join(problems) + "\n")
        return 1
    names = drifted(folder, wanted)
    if check and names:
        sys.stderr.write(f"Not as the models are: {', '.join(names)}. {_REMEDY}\n")
        return 1
    if not check:
        folder.mkdir(exist_ok=True)
        for name in names:
            if name in wanted:
                (folder / name).write_text(wanted[name], encoding="utf-8")
            else:
                (folder / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
