"""Batched augmentation on the device: plain tensor code driven by keyed draws, one file per kind of data."""
