"""How bodies travel: as JSON, Avro or Protobuf."""
