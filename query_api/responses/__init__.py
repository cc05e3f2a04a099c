"""From database rows to responses: response models, their mapping, JSON, CSV and receipts."""
