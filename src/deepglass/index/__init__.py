"""Which pictures of a collection are like this one: vectors on the disk, and what finds the nearest of them."""
