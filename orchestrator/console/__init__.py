"""What people and programs see of the service: the REST API, the pages, the pictures."""
