"""The bricks of models. Each says what comes out for what goes in: `out_shape(shape)`, batch included.

Where a block has learned numbers they carry the names that torch's own layers use (`weight`, `bias`, `running_mean`),
so public weights load as they are.
"""
