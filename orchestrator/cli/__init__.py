"""The command line's application, without the commands that start processes."""
