"""More organisations than the sandbox comes with, and the configuration for them: a shop for each."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from connectors.xero.sandbox import Sandbox
from connectors.xero.sandbox.books.tables import Book

_ROOT: Final = Path(__file__).resolve().parents[2]
_NAMESPACE: Final = uuid.UUID("0d8f9f2e-5a0c-4c39-9c0b-1f5f3a3c7a11")


def add(sandbox: Sandbox, count: int) -> list[str]:
    """Add so many organisations to a sandbox, British like its first; their ids. They share its chart of accounts."""
    engine = sandbox._engine
    first = engine.books[sandbox.organisations[0].tenant_id]
    ids = [str(uuid.uuid5(_NAMESPACE, str(number))) for number in range(count)]
    for number, tenant_id in enumerate(ids):
        book = Book(msgspec.structs.replace(first.organisation, tenant_id=tenant_id, name=f"Shop {number} Ltd"))
        book.accounts, book.tax_rates, book.currencies = first.accounts, first.tax_rates, first.currencies
        engine.books[tenant_id] = book
    engine.oauth.connect(ids, engine.clock.now(), engine.new_id())
    return ids


def shop(number: int) -> str:
    """The source whose orders belong to the organisation of that number."""
    return f"shop-{number}"


def token_of(source: str) -> str:
    """The token of a source: its own, as two with one are refused."""
    return f"token-of-{source}"


def write_files(folder: Path, tenant_ids: Sequence[str]) -> None:
    """sources.yaml and a tenant file for each organisation, like the one that comes with the product."""
    template = yaml.safe_load((_ROOT / "deploy" / "tenants" / "uk.yaml").read_text())
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        shop(number): {"connector": "cloudevents", "tokens": [{"insecure_literal": token_of(shop(number))}]}
        for number in range(len(tenant_ids))
    }
    _write(folder / "sources.yaml", {"version": 1, "sources": sources})
    for number, tenant_id in enumerate(tenant_ids):
        own = {
            "xero_tenant_id": tenant_id,
            "routes": [{"source": shop(number)}],
            "numbers": {shop(number): {"invoice": "I-", "credit_note": "C-"}},
            # Nobody pays there: the template's gateway is a source that these files do not have.
            "payments": [],
            "contacts": {shop(number): {"policy": "per_customer", "channel_name": "Customers"}},
        }
        _write(folder / f"tenant-{number}.yaml", {**template, **own})


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(content), sort_keys=False))
