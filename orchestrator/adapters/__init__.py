"""The only code that knows Temporal, RabbitMQ, SQL or OpenTelemetry."""
