"""Alembic's entry: it works on the connection that `upgrade` hands over, and on no other."""

from alembic import context

from streams.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
