"""Documents that are made from the program: `make docs` writes them, and tests hold the files to it."""
