"""Measures the event store."""
