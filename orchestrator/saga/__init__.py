"""The language in which people define sagas, and the plan that is made of a definition: data, versioned and hashed."""
