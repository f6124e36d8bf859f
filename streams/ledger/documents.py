"""Snapshots of what Xero holds, as its last answers told."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from streams.core.situation import Document
from streams.ledger import bulk, tables


async def save(connection: AsyncConnection, tenant: str, documents: Iterable[Document]) -> None:
    """Keep each document as it is now."""
    rows = [
        {
            "tenant": tenant,
            "resource": document.resource,
            "xero_id": document.xero_id,
            "body": document.body,
            "read_at": document.read_at,
        }
        for document in documents
    ]
    await bulk.upsert(connection, tables.documents, rows)
