"""Alembic's migrations of the ledger. `migrating.py` runs them; there is no alembic.ini."""
