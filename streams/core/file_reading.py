"""A configuration file read whole: its content, or every problem in it as `file:line: what. Remedy`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from streams.core.nearest import nearest
from streams.core.tenant_file import (
    AccountCode,
    ClockTime,
    CountryCode,
    CurrencyCode,
    EnvironmentName,
    OrganisationId,
    Prefix,
    SourceName,
    TableName,
    TaxType,
    WebAddress,
)
from streams.core.yaml_lines import Parsed, Path, YamlError

M = TypeVar("M", bound=BaseModel)

_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}?")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]*")
# A value under one of these is a secret, or was meant to be the name of one: it is not repeated in an error.
_SECRET: Final = frozenset({"secrets", "tokens", "token", "url"})
_VALUE_CHARACTERS_MAX: Final = 60


@dataclass(frozen=True)
class Reading(Generic[M]):
    """A file that was read. `name` is as people know it."""

    name: str
    content: M
    parsed: Parsed

    def where(self, *path: str | int) -> str:
        """`deploy/tenants/uk.yaml:9: routes[0]`."""
        return _where(self.name, self.parsed, path)


def read(name: str, text: str, kind: type[M], environ: Mapping[str, str]) -> tuple[Reading[M] | None, list[str]]:
    """The file, or every problem in it. `environ` resolves ${NAME}."""
    try:
        parsed = Parsed(text)
    except YamlError as error:
        return None, [f"{name}:{error.line}: not YAML: {error}. Correct the indentation or quoting there."]
    problems = [
        f"{name}:{line}: {_dotted(path)} stands here a second time. Remove one of the two."
        for path, line in parsed.repeated
    ]
    document = _resolved(name, parsed, parsed.document, (), environ, problems)
    try:
        content = kind.model_validate(document)
    except ValidationError as error:
        details = [dict(detail) for detail in error.errors(include_url=False)]
        # Where nothing was told yet, nothing follows from it: "${A}" may stand in a name, which is not resolved.
        own = [detail for detail in details if not _follows(detail)] or ([] if problems else details)
        return None, problems + [_problem(name, parsed, kind, detail) for detail in own]
    return (None, problems) if problems else (Reading(name, content, parsed), [])


def _resolved(
    name: str, parsed: Parsed, value: Any, path: Path, environ: Mapping[str, str], problems: list[str]
) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(name, parsed, item, (*path, key), environ, problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(name, parsed, item, (*path, at), environ, problems) for at, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    where = _where(name, parsed, path)
    for reference in _REFERENCE.finditer(value):
        if not _NAME.fullmatch(reference[1]) or not reference[0].endswith("}"):
            problems.append(
                f"{where}: {reference[0]} names no environment variable. "
                "Write ${NAME} with capitals, digits and underscores."
            )
        elif reference[1] not in environ:
            problems.append(
                f"{where}: the environment variable {reference[1]} is not set. Set it, or write the value here."
            )
    return _REFERENCE.sub(lambda reference: environ.get(reference[1], reference[0]), value)


def _follows(detail: Mapping[str, Any]) -> bool:
    """Whether what is wrong was told already: pydantic says of a list without a good item that it is too short too,
    and what stands for a variable that is not set fits nowhere."""
    return (detail["type"] == "too_short" and bool(detail["input"])) or "${" in str(detail["input"])


def _problem(name: str, parsed: Parsed, kind: type[BaseModel], detail: Mapping[str, Any]) -> str:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    where = _where(name, parsed, path)
    match detail["type"]:
        case "missing":
            return f"{where} is missing. Add it."
        case "extra_forbidden" if path[-1] in _LATER:
            return f"{where}: {_LATER[str(path[-1])]} Remove it."
        case "extra_forbidden":
            known = _known(kind, path[:-1])
            hint = nearest(str(path[-1]), known)
            words = f"did you mean {hint}?" if hint else f"known here: {', '.join(sorted(known))}."
            return f"{where} is not known; {words} Correct or remove it."
        case _:
            return f"{where}: got {_shown(path, detail['input'])}: {_expected(detail)} Correct it."


# What a later release will read. To take it now and do nothing with it would be a promise that is not kept.
_LATER: Final = {
    "valid_from": "versions of a tenant file by date come with a later release; this one holds for every date."
}
# pydantic's words for what a person who writes YAML knows by another name.
_WORDS: Final = {
    "model_type": "expected names and values beneath it",
    "dict_type": "expected names and values beneath it",
    "tuple_type": "expected a list: [a, b], or lines that begin with -",
    "too_short": "expected at least one; leave the line out if there is none",
    "string_type": "expected text",
    "string_too_short": "expected some text",
    "decimal_parsing": 'expected a number such as "17.5"',
    "int_parsing": "expected a whole number",
    "bool_parsing": "expected true or false",
}


def _expected(detail: Mapping[str, Any]) -> str:
    if detail["type"] == "string_pattern_mismatch":
        return f"expected {_DESCRIPTIONS[detail['ctx']['pattern']]}."
    words = _WORDS.get(detail["type"]) or str(detail["msg"])
    words = words.removeprefix("Value error, ").replace("Input should be", "expected")
    return words if words.endswith("?") else f"{words}."


_DESCRIPTIONS: Final = {
    constraint.pattern: field.description
    for alias in (
        AccountCode,
        ClockTime,
        CountryCode,
        CurrencyCode,
        EnvironmentName,
        OrganisationId,
        Prefix,
        SourceName,
        TableName,
        TaxType,
        WebAddress,
    )
    for field in get_args(alias)[1:2]
    for constraint in field.metadata
}


def _known(kind: type[BaseModel], path: Path) -> list[str]:
    """The names that may stand at a path, by walking the models."""
    models = [kind]
    for part in path:
        inner = [model for model in models if str(part) in model.model_fields]
        if inner:
            models = _models_in(inner[0].model_fields[str(part)].annotation)
    return [name for model in models for name in model.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _where(name: str, parsed: Parsed, path: Path) -> str:
    return f"{name}:{parsed.line_of(path)}: {_dotted(path)}"


def _dotted(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".") or "the file"


def _shown(path: Path, value: object) -> str:
    if value is None:
        return "nothing"
    if _SECRET.intersection(map(str, path)):
        return "a value that is not shown"
    text = repr(value)
    return text if len(text) <= _VALUE_CHARACTERS_MAX else text[: _VALUE_CHARACTERS_MAX - 1] + "…"
