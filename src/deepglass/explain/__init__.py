"""Why: one file for each method, from a finished network and an example to things to look at; see method.py."""
