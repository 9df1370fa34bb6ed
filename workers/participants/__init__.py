"""The demo's participants, each a process of its own, and their books."""
