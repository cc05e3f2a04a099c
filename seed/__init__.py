"""Demo data: made by commands under a clock that is set, never by rows, so that it obeys every rule."""
