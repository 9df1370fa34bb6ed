"""How fast sagas are, beside hand-written ones: the same five steps, in one run, on the same two servers."""
