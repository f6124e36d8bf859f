"""Snapshots of what Xero holds, as its last answers told."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.xero.wire import moment
from streams.core.situation import Document
from streams.ledger import bulk, tables
from streams.ledger.among import among
from streams.ledger.rows import chunks

_documents: Final = tables.documents


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


async def save_newer(connection: AsyncConnection, tenant: str, found: Sequence[Document]) -> None:
    """Keep each document, unless a later version of it is held: an answer to a write may have overtaken a reading."""
    for resource in {one.resource for one in found}:
        by_id = {one.xero_id: one for one in found if one.resource == resource}
        for ids in chunks(by_id):
            statement = select(_documents.c.xero_id, _documents.c.body).where(
                _documents.c.tenant == tenant, _documents.c.resource == resource, among(_documents.c.xero_id, ids)
            )
            held = {row[0]: moment(row[1], "UpdatedDateUTC") for row in await connection.execute(statement)}
            await save(connection, tenant, [by_id[one] for one in ids if not _is_older(by_id[one], held.get(one))])


def _is_older(document: Document, held: datetime | None) -> bool:
    updated = moment(document.body, "UpdatedDateUTC")
    return held is not None and updated is not None and updated < held
