"""What `make run` starts and keeps running: PostgreSQL and Redis of its own, and the processes of Seatledger."""
