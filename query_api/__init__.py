"""The read side: queries over the read tables, freshness, the live feed. It writes to no table that lasts."""
