"""The HTTP APIs of five specifications over the same ledger, each as its specification prints it: thin translations to commands and
queries."""
