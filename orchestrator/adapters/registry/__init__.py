"""A schema registry that speaks the REST API of Confluent."""
