"""The read side: queries, freshness, the live stream. Everything here only ever reads."""
