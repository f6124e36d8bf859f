"""The tables of hearing Xero: which documents are to be read, what is surveyed, and what is to be told of it."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table, UniqueConstraint, text

from streams.ledger.building import (
    bytes_column,
    json_column,
    metadata,
    number_column,
    text_column,
    time_column,
)
from streams.ledger.columns import RowNumber

# A document that was named as changed, until it is read. `changed_at` is the latest of Xero's times, `heard_at` when
# that came; `since` is when the first came of those that nobody has read yet.
readings: Final = Table(
    "readings",
    metadata,
    text_column("xero_tenant_id", primary_key=True),
    text_column("resource", primary_key=True),
    text_column("xero_id", primary_key=True),
    time_column("changed_at"),
    time_column("since"),
    time_column("heard_at"),
    Index("ix_readings_since", "xero_tenant_id", "since"),
)

# How far the deliveries of each webhook subscription came; `heard_at` is when the latest of what they told happened.
hearing: Final = Table(
    "hearing",
    metadata,
    text_column("source", primary_key=True),
    Column("next_sequence", BigInteger, nullable=False),
    time_column("heard_at"),
)

# Deliveries that did not come yet, though later ones did: events `first` to `last`. What came before them happened
# until `since`. `first` is 0 where the subscription was made anew: of what happened before it nothing was delivered.
gaps: Final = Table(
    "gaps",
    metadata,
    text_column("source", primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    time_column("since"),
    time_column("noticed_at"),
)

# A list of Xero that is read page by page. `next_at`: when its first, or next, page is due; `page` is that page, and
# `modified_since` what it asks for. `began_at` is when its first page was asked for, `listened_since` when we began to
# listen.
surveys: Final = Table(
    "surveys",
    metadata,
    text_column("tenant", primary_key=True),
    text_column("name", primary_key=True),
    number_column("page"),
    time_column("modified_since", null=True),
    time_column("began_at", null=True),
    time_column("listened_since"),
    time_column("next_at"),
    time_column("ended_at", null=True),
    text_column("reason", null=True),
    Index("ix_surveys_next_at", "tenant", "next_at"),
)

# What is to be told of changes in Xero, in order: the outbox of `events.xero`. `number` counts a document's changes.
news: Final = Table(
    "news",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    text_column("tenant"),
    text_column("resource"),
    text_column("xero_id"),
    number_column("number"),
    text_column("source"),
    text_column("type"),
    time_column("at"),
    bytes_column("data"),
    time_column("published_at", null=True),
    UniqueConstraint("tenant", "resource", "xero_id", "number"),
    Index(
        "ix_news_unpublished",
        "id",
        sqlite_where=text("published_at IS NULL"),
        postgresql_where=text("published_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

# What was told last of each document: `sight` is streams.core.heard.sight, `changes` counts what was told, `due_on` is
# the day of an invoice that is owed and not told to be overdue.
told: Final = Table(
    "told",
    metadata,
    text_column("tenant", primary_key=True),
    text_column("resource", primary_key=True),
    text_column("xero_id", primary_key=True),
    json_column("sight"),
    number_column("changes"),
    time_column("changed_at"),
    text_column("due_on", null=True),
    Index(
        "ix_told_due_on",
        "tenant",
        "due_on",
        sqlite_where=text("due_on IS NOT NULL"),
        postgresql_where=text("due_on IS NOT NULL"),
    ),
)
