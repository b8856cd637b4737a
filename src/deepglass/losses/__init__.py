"""What is minimised, one file each: sums over rows, never means, so that counts of all shards divide them exactly."""
