"""The senders' own log: what was answered 2xx or acknowledged by the broker, with its bytes. Lines are only added.

It is all that the oracle knows of what was sent.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """One answer. `answer` is an HTTP status or "acknowledged"; `body` is the event as a structured document.

    `word`: the sender meant it to be malformed, and it bears this word.
    """

    answer: str
    way: str
    source: str
    body: bytes
    word: str | None

    @property
    def accepted(self) -> bool:
        """Whether somebody has taken on the duty to book it."""
        return self.answer == "acknowledged" or self.answer.startswith("2")


class Log:
    """The file, open for adding."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="ascii")

    def add(self, entry: Entry) -> None:
        """Write one line, at once."""
        row = entry._asdict() | {"body": base64.b64encode(entry.body).decode()}
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Nothing is added any more."""
        self._file.close()


def read(path: Path) -> Iterator[Entry]:
    """The lines of a log, oldest first."""
    for line in path.read_text(encoding="ascii").splitlines():
        row = json.loads(line)
        yield Entry(**{**row, "body": base64.b64decode(row["body"])})
