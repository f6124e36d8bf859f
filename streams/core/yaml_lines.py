"""YAML with the line of every value, so that an error can name where it stands."""

from typing import Any, cast

import yaml

Path = tuple[str | int, ...]


class YamlError(ValueError):
    """The text is not YAML that we take; `line` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class Parsed:
    """A YAML document as plain values. All but lists and nothing stay the text that was written: "0090" keeps its
    zeros, and NO is Norway."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self.repeated: list[tuple[Path, int]] = []
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.document = self._value(root, ()) if root is not None else None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            raise YamlError(f"the character U+{int(error.character):04X} may not stand here", line) from None
        except yaml.MarkedYAMLError as error:
            what = str(error.problem).removeprefix("but ")
            raise YamlError(what, cast(yaml.Mark, error.problem_mark).line + 1) from None
        except RecursionError:
            raise YamlError("a value holds itself, or nests without end", 1) from None

    def line_of(self, path: Path) -> int:
        """The line of a value, or of the nearest one around it that is there."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        return None if node.tag == "tag:yaml.org,2002:null" else node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError("a name must be plain text", line)
            name = str(key.value)
            if name in found:
                self.repeated.append(((*path, name), line))
            self._lines[(*path, name)] = line
            found[name] = self._value(value, (*path, name))
        return found
