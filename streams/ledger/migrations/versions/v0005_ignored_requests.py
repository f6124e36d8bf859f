"""Ignored requests: what a source called a request that told no event can be looked up."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    raw = sa.text("topic = 'raw'")
    op.create_index("ix_events_raw", "events", ["source", "event_id"], sqlite_where=raw, postgresql_where=raw)


def downgrade() -> None:
    op.drop_index("ix_events_raw", table_name="events")
