"""From database rows to responses: response models, their mapping from rows, JSON, CSV and receipts."""
