"""HTTP: the only place that knows Starlette, JSON names, statuses and codes."""
