"""A network as data: its shapes, its graph, its cost, what flows through it, and how it is drawn."""
