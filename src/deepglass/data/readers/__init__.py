"""What turns one stored thing into an array: one file per kind (picture, vector ...)."""
