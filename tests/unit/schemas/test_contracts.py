"""The published contracts: up to date, valid, and never narrower than what was promised."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from schemas import compatibility, generate
from schemas.contracts import asyncapi, contracts, event_schema
from schemas.events import EVENT_TYPES, EventType, OrderPlaced
from schemas.events.examples import EXAMPLES

ROWS = tuple(EVENT_TYPES.values())
OLD = event_schema(EVENT_TYPES["com.ledgerstream.OrderPlaced.v1"])


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """The schema of OrderPlaced with the value at `path` replaced (None: removed)."""
    schema = copy.deepcopy(OLD)
    inner: Any = schema
    for part in path[:-1]:
        inner = inner[part]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return schema


def test_the_committed_contracts_are_what_the_models_make() -> None:
    assert generate.drifted(generate.GENERATED, contracts()) == []
    assert generate.broken(generate.GENERATED, contracts()) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_example_fits_its_schema_and_our_decoder(row: EventType) -> None:
    schema = event_schema(row)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(EXAMPLES[row.name])
    assert isinstance(row.decode(json.dumps(EXAMPLES[row.name]).encode()), row.data)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_the_decoder_requires_the_schema_requires(row: EventType) -> None:
    required = event_schema(row)["$defs"][row.name]["required"]
    for field in required:
        less = {name: value for name, value in EXAMPLES[row.name].items() if name != field}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(event_schema(row)).validate(less)
        with pytest.raises(ValueError, match=field):
            row.decode(json.dumps(less).encode())


def test_every_reference_of_the_asyncapi_document_resolves() -> None:
    document = asyncapi()
    files = contracts()
    seen = 0

    def walk(node: Any) -> None:
        nonlocal seen
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            if "$ref" in node:
                seen += 1
                target, _, pointer = str(node["$ref"]).partition("#/")
                inner: Any = document if not target else json.loads(files[target])
                for part in filter(None, pointer.split("/")):
                    inner = inner[part]
            for item in node.values():
                walk(item)

    walk(document)
    assert seen == len(ROWS) * 4
    assert {name for channel in document["channels"].values() for name in channel["messages"]} == set(EVENT_TYPES)


PROPERTIES = ("$defs", "OrderPlaced", "properties")


@pytest.mark.parametrize(
    ("schema", "sentence"),
    [
        (changed(*PROPERTIES, "channel", to=None), "OrderPlaced.channel: the field is gone."),
        (changed(*PROPERTIES, "total", "type", to="number"), "OrderPlaced.total: the type changed from string"),
        (changed(*PROPERTIES, "total", "pattern", to="^x$"), "OrderPlaced.total: pattern changed from"),
        (changed(*PROPERTIES, "number", "maxLength", to=50), "OrderPlaced.number: maxLength is narrower, 255 before"),
        (changed(*PROPERTIES, "number", "minLength", to=2), "OrderPlaced.number: minLength is narrower, 1 before"),
        (changed(*PROPERTIES, "currency", "maxLength", to=3), "OrderPlaced.currency: maxLength is narrower, None"),
        (changed("$defs", "OrderPlaced", "required", 0, to="channel"), "OrderPlaced.channel: the field is newly req"),
        (changed(*PROPERTIES, "channel", to={"type": "string"}), "OrderPlaced.channel: null is no longer taken."),
        (changed("$defs", "Line", "properties", "sku", to=None), "OrderPlaced.lines[].sku: the field is gone."),
        (
            changed("$defs", "Line", "properties", "kind", "enum", to=["goods"]),
            "OrderPlaced.lines[].kind: no longer takes deposit, discount, gift_card, other",
        ),
    ],
)
def test_each_breaking_change_is_refused_with_a_sentence(schema: dict[str, Any], sentence: str) -> None:
    found = compatibility.problems(OLD, schema, "OrderPlaced")
    assert len(found) == 1
    assert found[0].startswith(sentence)
    assert found[0].endswith("Keep it, or make a new major version of the type.")


@pytest.mark.parametrize(
    "schema",
    [
        changed(*PROPERTIES, "note", to={"type": "string"}),
        changed(*PROPERTIES, "number", "maxLength", to=300),
        changed(*PROPERTIES, "number", "maxLength", to=None),
        changed(*PROPERTIES, "number", "minLength", to=0),
        changed("$defs", "OrderPlaced", "required", to=["number"]),
        changed("$defs", "Line", "properties", "kind", "enum", to=None),
    ],
)
def test_what_takes_more_than_before_is_no_break(schema: dict[str, Any]) -> None:
    assert compatibility.problems(OLD, schema, "OrderPlaced") == []


def test_the_command_writes_checks_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "generated"
    assert generate.main(["--check"], folder) == 1
    assert "asyncapi.json" in capsys.readouterr().err
    assert generate.main([], folder) == 0
    assert generate.main(["--check"], folder) == 0
    assert {file.name for file in folder.iterdir()} == set(contracts())

    (folder / "old.json").write_text("{}")
    assert generate.main([], folder) == 0
    assert not (folder / "old.json").exists()

    promised = json.loads((folder / "com.ledgerstream.OrderPlaced.v1.json").read_text())
    promised["$defs"][OrderPlaced.__name__]["properties"]["gift"] = {"type": "string"}
    (folder / "com.ledgerstream.OrderPlaced.v1.json").write_text(json.dumps(promised))
    (folder / "com.ledgerstream.Gone.v1.json").write_text("{}")
    assert generate.main([], folder) == 1
    told = capsys.readouterr().err
    assert "OrderPlaced.gift: the field is gone." in told
    assert "com.ledgerstream.Gone.v1.json: the event type is gone." in told
