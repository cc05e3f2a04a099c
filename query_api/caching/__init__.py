"""What the API process keeps in memory of what it has read, and limits on concurrent work."""
