"""A fast path for bookings in front of the framework, and the server's HTTP protocol. README.md explains why."""
