"""How well: one page and one JSON file that say what a run learned; one file a section, `write.py` for the whole."""
