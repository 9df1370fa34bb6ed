"""The language in which people define sagas, and the plan that a definition becomes: data, with a version and a hash."""
