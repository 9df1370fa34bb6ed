"""Stores in a SQL database."""
