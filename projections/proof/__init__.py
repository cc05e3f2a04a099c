"""What proves that the log and everything derived from it are what they were: signed checkpoints, verification, transfer."""
