"""The tables of the running: what may send, who sends, how far intake and sweeps came, what Xero's limits say."""

from typing import Final

from sqlalchemy import Boolean, Column, Integer, Table

from streams.ledger.building import metadata, number_column, text_column, time_column

# What may not send: everything (no tenant, no source), a tenant, a source, or a source within a tenant.
stops: Final = Table(
    "stops",
    metadata,
    text_column("scope", primary_key=True),
    text_column("tenant", null=True),
    text_column("source", null=True),
    text_column("reason"),
    text_column("cause", null=True),
    text_column("remedy", null=True),
    text_column("actor"),
    time_column("since"),
)

# `taken_at` is when the present fence began.
leases: Final = Table(
    "leases",
    metadata,
    text_column("tenant", primary_key=True),
    text_column("owner"),
    number_column("fence"),
    time_column("expires_at"),
    time_column("renewed_at", null=True),
    time_column("taken_at", null=True),
)

# `next_offset` is the first offset not taken in; `records` counts those that were, each once.
cursors: Final = Table(
    "cursors",
    metadata,
    text_column("topic", primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    number_column("next_offset"),
    number_column("records"),
)

# What Xero said last about a tenant's limits; `foreign_calls` is how many of the minute were not ours. Until
# `person_until` a person waits for a slot, and the sender takes none. `egress_bytes` is what it answered in
# `egress_month` (2026-11).
tenants: Final = Table(
    "tenants",
    metadata,
    text_column("tenant", primary_key=True),
    Column("foreign_calls", Integer, nullable=False),
    time_column("minute_read_at", null=True),
    Column("day_remaining", Integer, nullable=True),
    Column("day_limit", Integer, nullable=False),
    time_column("day_read_at", null=True),
    time_column("not_before", null=True),
    text_column("not_before_reason", null=True),
    time_column("person_until", null=True),
    number_column("egress_bytes", default=0),
    text_column("egress_month", null=True),
)

# What the last transaction of each connection left (PostgreSQL only, see `receipts`).
receipts: Final = Table(
    "receipts",
    metadata,
    text_column("holder", primary_key=True),
    text_column("token"),
    time_column("left_at"),
)

# How far the sweep of each source came: `owner` leads it until `led_until`; `cursor` is the connector's own. `swept_at`
# is when the source last answered to the end; `failure` is what it last answered instead. `is_active` and
# `subscription` are what it says of its webhooks to us.
sweeps: Final = Table(
    "sweeps",
    metadata,
    text_column("source", primary_key=True),
    text_column("owner"),
    time_column("led_until"),
    text_column("cursor", null=True),
    time_column("tried_at", null=True),
    time_column("swept_at", null=True),
    text_column("failure", null=True),
    text_column("remedy", null=True),
    Column("is_active", Boolean, nullable=True),
    text_column("subscription", null=True),
)
