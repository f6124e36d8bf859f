"""The published contracts, made from the models: a JSON Schema per event type and one AsyncAPI document. Pure."""

import json
from typing import Any, Final

import msgspec

from schemas.events import EVENT_TYPES, EventType
from schemas.events.examples import EXAMPLES
from schemas.topics import EVENT_TOPICS, PREFIX, TOPICS, TopicName

ASYNCAPI: Final = "asyncapi.json"
_VERSION: Final = "1.0.0"
_ID: Final = "https://ledgerstream.example/schemas/"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode. Structured mode (application/cloudevents+json) is read as well.",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "unique for its source; a retry carries the same"},
        "ce_source": {"type": "string", "description": "the name of a configured source", "examples": ["shop-1"]},
        "ce_type": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "what the event is about; the record's key"},
        "ce_partitionkey": {"type": "string", "description": "the record's key where it is not the subject"},
        "ce_sequence": {"type": "string", "pattern": "^[0-9]{1,18}$", "description": "the source's own version"},
        "ce_correlationid": {"type": "string"},
        "ce_causationid": {"type": "string"},
        "ce_traceparent": {"type": "string", "description": "W3C Trace Context"},
        "content-type": {"type": "string", "const": "application/json"},
    },
}


def file_name(row: EventType) -> str:
    """Where the schema of a type is kept."""
    return f"{row.type}.json"


def event_schema(row: EventType) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the data of an event type, whole, with an example."""
    draft = {"x-draft": "No rule uses this type yet: it may still change."} if row.draft else {}
    return {
        "$schema": _DIALECT,
        "$id": _ID + file_name(row),
        "title": row.type,
        **draft,
        **msgspec.json.schema(row.data),
        "examples": [EXAMPLES[row.name]],
    }


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document: the events topics, what they hold, and how a producer sends it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ledgerstream events",
            "version": _VERSION,
            "description": "Business events, as CloudEvents on Kafka. The record's key is the event's subject.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in EVENT_TOPICS},
        "operations": {f"send.{row.type}": _operation(row) for row in EVENT_TYPES.values()},
        "components": {"messages": {row.type: _message(row) for row in EVENT_TYPES.values()}},
    }


def _channel(name: TopicName) -> dict[str, Any]:
    topic = TOPICS[name]
    rows = [row for row in EVENT_TYPES.values() if row.topic == name]
    return {
        "address": topic.full_name(PREFIX),
        "description": topic.holds,
        "messages": {row.type: {"$ref": f"#/components/messages/{row.type}"} for row in rows},
        "bindings": {
            "kafka": {
                "topic": topic.full_name(PREFIX),
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": [topic.cleanup_policy],
                    "retention.ms": topic.retention_ms,
                },
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operation(row: EventType) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{row.topic}"},
        "messages": [{"$ref": f"#/channels/{row.topic}/messages/{row.type}"}],
    }


def _message(row: EventType) -> dict[str, Any]:
    kind, field = row.entity
    return {
        "name": row.name,
        "title": row.name,
        "summary": (row.data.__doc__ or "").strip().partition("\n")[0],
        "contentType": "application/json",
        "headers": _HEADERS,
        "payload": {"schemaFormat": f"application/schema+json;version={_DIALECT}", "schema": {"$ref": file_name(row)}},
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"the subject, such as {kind}:<{field}>"},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"payload": EXAMPLES[row.name]}],
    }


def as_text(document: dict[str, Any]) -> str:
    """As it is committed: indented, so that a change is readable line by line."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def contracts() -> dict[str, str]:
    """Every generated file by its name."""
    schemas = {file_name(row): as_text(event_schema(row)) for row in EVENT_TYPES.values()}
    return {**schemas, ASYNCAPI: as_text(asyncapi())}
