"""Where examples lie: one file per layout (class folders, tables, archives ...), each with a CATALOGUE.

The contract is in `deepglass.data.source`.
"""
