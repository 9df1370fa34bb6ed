"""The rows of the comparison: each carries out the same orders its own way."""
