"""Time travel: entries in order, and an Event or the statistics as of any position or time."""
