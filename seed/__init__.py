"""Demo data: made by commands under a fixed clock, never by inserting rows, so that they obey every rule."""
