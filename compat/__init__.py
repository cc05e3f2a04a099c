"""Five other APIs over the same ledger, each its specification to the letter: thin translations onto commands and queries."""
