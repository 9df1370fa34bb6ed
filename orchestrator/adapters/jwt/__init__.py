"""Knows JWT: who the bearer of a signed token is."""
