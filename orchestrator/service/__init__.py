"""The use cases behind API, console and command line, what they may do for whom, and the ports that adapters fill."""
