"""What an API process keeps in memory of what it has read."""
