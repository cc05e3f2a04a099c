"""Rebuilding a projection beside the one that is served, comparing the two, and swapping them."""
