"""Alembic loads this file for each command; the connection is the one that `migrating.py` opened."""

from alembic import context

from orchestrator.adapters.sql.migrating import VERSION_TABLE

# One transaction, which the caller has begun and commits: a migration that fails leaves nothing behind.
context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
