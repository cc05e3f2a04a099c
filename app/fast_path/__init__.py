"""A booking past the framework, and the server's own HTTP protocol: README.md says why."""
