"""One file per version of the ledger's tables, each with the number of the one before it."""
