"""Figures of the ledger, on SQLite and PostgreSQL: `make bench-ledger`."""
