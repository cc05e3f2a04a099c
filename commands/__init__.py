"""The write side: it receives commands and appends entries. The rules are not here but in `ledger/decide.py`, which knows no
HTTP."""
