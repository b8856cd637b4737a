"""Things to look at: each draws itself for a terminal, as SVG or PNG, as JSON and as one sentence; see view.py."""
