"""How the product is run: locally, in containers, on clusters."""
