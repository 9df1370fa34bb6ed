"""What the bootstrap says when it cannot go on."""


class BootstrapError(Exception):
    """A server could not be found, installed or started. The text says what, where to look and what to do."""
