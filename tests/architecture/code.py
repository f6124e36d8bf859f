"""The code as a syntax tree, for the rules in this folder."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "connectors", "streams")


@dataclass(frozen=True)
class Module:
    """One source file. `path` is relative to the project's root, `name` dotted."""

    path: str
    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def imports(self) -> Iterator[tuple[str, int]]:
        """Every imported module (dotted; `from a import b` yields `a.b`), with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    def relative_imports(self) -> Iterator[int]:
        return (node.lineno for node in ast.walk(self.tree) if isinstance(node, ast.ImportFrom) and node.level)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """The modules below the folders, tests and migrations told apart by their path."""
    found = []
    for folder in folders or PACKAGES:
        for file in sorted((ROOT / folder).rglob("*.py")):
            text = file.read_text()
            path = file.relative_to(ROOT).as_posix()
            found.append(Module(path, path.removesuffix(".py").replace("/", "."), text, ast.parse(text)))
    return tuple(found)


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or below it."""
    return any(name == package or name.startswith(package + ".") for package in packages)
