"""REST, `/api/v1/`."""
