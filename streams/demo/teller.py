"""What the demo says while it runs: acts, steps with their time, one line that moves on a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

Done = Callable[[str], None]
Moved = Callable[[int, str], None]
_BAR: Final = 24


class Teller:
    """Speaks on one console. Where that is no terminal, nothing moves and every note is one line."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._notes: set[str] = set()

    def act(self, title: str) -> None:
        """A new chapter."""
        self.console.print(f"\n[bold]{escape(title)}[/bold]")

    def say(self, text: str) -> None:
        """A sentence, without markup."""
        self.console.print(f"  {escape(text)}")

    def verbatim(self, text: str) -> None:
        """A line that is there to be copied: it is not broken, however narrow the terminal."""
        self.console.print(f"  {escape(text)}", soft_wrap=True)

    def show(self, what: RenderableType) -> None:
        """A table, or another thing of rich's."""
        self.console.print(what)

    @contextmanager
    def step(self, name: str) -> Iterator[Done]:
        """One thing that takes a moment; `done(text)` says how it ended."""
        started = time.monotonic()
        ended = ""

        def done(text: str) -> None:
            nonlocal ended
            ended = text

        with self._moving() as progress:
            progress.add_task(name, total=None, note="")
            yield done
        self._ended(name, ended, started)

    @contextmanager
    def progress(self, name: str, total: int) -> Iterator[Moved]:
        """Something that is counted; `moved(count, note)` says how far it is and what it waits for."""
        started = time.monotonic()
        counted = 0
        with self._moving(BarColumn(_BAR), MofNCompleteColumn()) as progress:
            task = progress.add_task(name, total=total, note="")

            def moved(count: int, note: str) -> None:
                nonlocal counted
                counted = count
                progress.update(task, completed=count, note=escape(note))
                if note and note not in self._notes and not self.console.is_terminal:
                    self._notes.add(note)
                    self.say(note)

            yield moved
        self._ended(name, str(counted), started)

    def _moving(self, *columns: BarColumn | MofNCompleteColumn) -> Progress:
        return Progress(
            TextColumn(" "),
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *columns,
            TextColumn("[dim]{task.fields[note]}[/dim]"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )

    def _ended(self, name: str, text: str, started: float) -> None:
        took = time.monotonic() - started
        self.console.print(f"  [green]✓[/green] {escape(name)} {escape(text)} [dim]({took:.1f} s)[/dim]")
