"""Rehearse a saga by hand, without servers."""
