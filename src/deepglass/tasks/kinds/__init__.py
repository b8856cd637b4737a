"""Kinds of input: one file each, for every task that answers one thing about one input."""
