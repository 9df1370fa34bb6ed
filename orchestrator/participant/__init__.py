"""The kit for services that handle commands."""
