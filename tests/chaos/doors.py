"""How a document is put on the wire: requests to the receiver with their proof, and records for Kafka.

Written from the receiver's documentation and the CloudEvents bindings; nothing of ours.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
# What `deploy/tenants/sources.yaml` asks for: these sources sign, the others show a token.
_SIGNING: Final = frozenset({"shop-1", "stripe-1"})
_TOPICS: Final = {
    "Order": "events.orders",
    "JobCo": "events.jobs",
    "Conta": "events.contacts",
    "Payme": "events.payments",
    "Refun": "events.payments",
}
_KIND_OF: Final = {"events.orders": "order", "events.jobs": "job", "events.contacts": "customer"}


class Request(NamedTuple):
    """A POST to the receiver."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Record(NamedTuple):
    """A record for Kafka; `topic` without its prefix."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def secret_of(source: str) -> str:
    """The source's secret or token in a chaos run."""
    return f"secret-of-{source}"


def single(source: str, body: bytes, at: int) -> Request:
    """One event as a structured document. `at`: unix seconds, for the signature."""
    return Request("/v1/events", {"Content-Type": STRUCTURED, **_proof(source, body, at)}, body)


def batch(source: str, bodies: list[bytes], at: int) -> Request:
    """Several events in one request."""
    body = b"[" + b",".join(bodies) + b"]"
    return Request("/v1/events", {"Content-Type": BATCH, **_proof(source, body, at)}, body)


def binary(source: str, body: bytes, at: int) -> Request:
    """One event with its attributes in headers, which are signed as well."""
    attributes, data = _taken_apart(body)
    lines = sorted(f"{name}={value}\n".encode() for name, value in attributes.items())
    proof = _proof(source, b"".join(lines) + b"\n" + data, at)
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    return Request("/v1/events", {"Content-Type": "application/json", **headers, **proof}, data)


def webhook(source: str, body: bytes, at: int) -> Request:
    """A webhook with Stripe's signature."""
    headers = {"Content-Type": "application/json", "Stripe-Signature": _signature(source, body, at)}
    return Request(f"/v1/sources/{source}", headers, body)


def record(body: bytes, *, binary: bool) -> Record:
    """The event as a record, its key as a producer would choose it. What is no event goes among the orders."""
    structured: tuple[tuple[str, bytes], ...] = (("content-type", STRUCTURED.encode()),)
    try:
        document = json.loads(body)
        topic = _TOPICS[str(document["type"]).split(".")[2][:5]]
    except (ValueError, KeyError, RecursionError):
        return Record("events.orders", b"?", body, structured)
    key = _subject(topic, document["data"]).encode()
    if not binary:
        return Record(topic, key, body, structured)
    attributes, data = _taken_apart(body)
    headers = tuple((f"ce_{name}", value.encode()) for name, value in attributes.items())
    return Record(topic, key, data, (*headers, ("content-type", b"application/json")))


def _subject(topic: str, data: Mapping[str, Any]) -> str:
    name = next(name for name in ("order_id", "job_id", "contact_id", "payment_id", "refund_id") if name in data)
    return f"{_KIND_OF.get(topic, name.removesuffix('_id'))}:{data[name]}"


def _taken_apart(body: bytes) -> tuple[dict[str, str], bytes]:
    document = json.loads(body)
    data = json.dumps(document.pop("data")).encode()
    return {name: str(value) for name, value in document.items()}, data


def _proof(source: str, signed: bytes, at: int) -> dict[str, str]:
    if source in _SIGNING:
        return {"Ledgerstream-Source": source, "Ledgerstream-Signature": _signature(source, signed, at)}
    return {"Authorization": f"Bearer {secret_of(source)}"}


def _signature(source: str, signed: bytes, at: int) -> str:
    mac = hmac.new(secret_of(source).encode(), f"{at}.".encode() + signed, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"
