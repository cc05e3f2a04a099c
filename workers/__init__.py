"""Celery: what happens after an append. Tasks are hints; losing, repeating or reordering them changes no row."""
