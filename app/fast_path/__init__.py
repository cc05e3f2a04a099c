"""Fast paths for bookings and public reads, turns of reads by client, and the server's HTTP protocol. README.md explains why."""
