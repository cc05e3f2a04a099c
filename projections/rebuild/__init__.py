"""Shadow copies of projections: filling them, comparing them with the served tables, and swapping them in."""
