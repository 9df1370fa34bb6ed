"""What the business does; SAGAS is the only registry."""
