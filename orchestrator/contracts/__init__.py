"""Messages as others see them: their types and versions, JSON Schema, AsyncAPI, and what may change in them."""
