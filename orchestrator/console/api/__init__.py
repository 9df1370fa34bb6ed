"""The REST API: routes that call the service layer and nothing else."""
