"""Executions kept durable by Temporal."""
