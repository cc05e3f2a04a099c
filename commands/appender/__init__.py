"""The appender: group commit of commands under optimistic concurrency, and the Events in memory that it decides on."""
