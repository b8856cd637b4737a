"""Data: sources find examples, readers turn one stored thing into an array, the loader makes batches of them."""
