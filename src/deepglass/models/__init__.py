"""The zoo: one file per network, each with a `CATALOGUE` of configurations. The contract is in `contract.py`."""
