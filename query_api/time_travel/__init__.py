"""The past: entries in order, an Event and the statistics as of any position or time."""
