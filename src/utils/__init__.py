"""The helpers that the notebooks share. Importing this package loads nothing heavy."""
