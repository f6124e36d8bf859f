"""One letter: what makes two refused records one failure, so that a sweep that finds it again makes no second one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dead_letters", sa.Column("failure", sa.Text(), nullable=True))
    op.create_index("ix_dead_letters_failure", "dead_letters", ["failure"])
    op.create_index("ix_duplicates_event_key", "duplicates", ["event_key"])


def downgrade() -> None:
    op.drop_index("ix_duplicates_event_key", table_name="duplicates")
    op.drop_index("ix_dead_letters_failure", table_name="dead_letters")
    op.drop_column("dead_letters", "failure")
