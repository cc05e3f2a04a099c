"""The write side: commands in, entries out. HTTP here knows no rules; the rules (`ledger/decide.py`) know no HTTP."""
