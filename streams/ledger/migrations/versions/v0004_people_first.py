"""People first: until when a person waits for a slot of a tenant."""

import sqlalchemy as sa
from alembic import op

from streams.ledger.columns import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenants", sa.Column("person_until", UtcTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("tenants", "person_until")
