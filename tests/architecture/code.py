"""The code as a syntax tree, for the rules in this folder."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
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

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree: walked once, for every rule that looks at them."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def imports(self) -> tuple[tuple[str, int], ...]:
        """Every imported module (dotted; `from a import b` is `a.b`), with its line."""
        return tuple(self._imports())

    def _imports(self) -> Iterator[tuple[str, int]]:
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)

    def relative_imports(self) -> Iterator[int]:
        return (node.lineno for node in self.nodes if isinstance(node, ast.ImportFrom) and node.level)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """The modules below the folders, tests and migrations told apart by their path."""
    return tuple(_module(file) for folder in folders or PACKAGES for file in sorted((ROOT / folder).rglob("*.py")))


@cache
def _module(file: Path) -> Module:
    text = file.read_text()
    path = file.relative_to(ROOT).as_posix()
    return Module(path, path.removesuffix(".py").replace("/", "."), text, ast.parse(text))


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or below it."""
    return any(name == package or name.startswith(package + ".") for package in packages)
