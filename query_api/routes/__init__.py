"""The routes: each reads parameters, runs a query and returns a response."""
