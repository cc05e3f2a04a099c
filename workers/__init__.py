"""Celery: what happens after an append. Tasks are wake-ups; losing, repeating or reordering them changes no row."""
