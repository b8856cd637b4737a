"""Who takes part: the names of contestants, a framework and its flags, and which variants are tried by hand."""

OURS = "deepglass"
DOCUMENTED = ("pytorch", "pytorch+compile", "lightning", "keras-tensorflow", "keras-jax", "keras-torch")
PICTURES = {  # flags that were tried, for the rows with pictures ...
    "pytorch": ("lean+bf16+cl", "lean+bf16+compile", "lean+bf16+cl+compile", "lean+cl+compile"),
    "lightning": ("lean+bf16+cl", "lean+bf16+cl+compile"),
    "keras-tensorflow": ("bf16", "bf16+nojit", "nojit", "spe"),
    "keras-jax": ("bf16", "spe", "bf16+spe"),
    "keras-torch": ("bf16", "cf", "bf16+cf", "bf16+cf+jit"),
}
NUMBERS = {  # ... and without: "mlp" and "char_lm"
    "pytorch": ("lean", "lean+bf16", "lean+compile", "lean+bf16+compile"),
    "lightning": ("lean+bf16", "lean+bf16+compile"),
    "keras-tensorflow": ("bf16", "bf16+nojit", "nojit", "spe", "bf16+spe"),
    "keras-jax": ("bf16", "spe", "bf16+spe"),
    "keras-torch": ("bf16", "jit", "bf16+jit"),
}


def variants(row: str) -> list[str]:
    """Every contestant that was tuned by hand for this row, as "framework+flag+flag"."""
    tried = NUMBERS if row in ("mlp", "char_lm") else PICTURES
    return [f"{name}+{flags}" for name, all_flags in tried.items() for flags in all_flags]


def framework(contestant: str) -> str:
    """ "keras-jax" of "keras-jax+bf16"."""
    return contestant.partition("+")[0]


def flags(contestant: str) -> list[str]:
    """["bf16"] of "keras-jax+bf16"."""
    return [flag for flag in contestant.split("+")[1:] if flag]


def chosen(names: str, row: str, trials: dict[str, float]) -> list[str]:
    """The contestants that `--contestants` names: groups or single ones, ours among them, each once.

    "tuned" is the fastest variant of each framework in the row's trials.
    """
    groups = {"documented": list(DOCUMENTED), "trials": variants(row), "tuned": fastest(trials)}
    found = [OURS]
    for name in names.split(","):
        found += groups.get(name, [name])
    return list(dict.fromkeys(found))


def fastest(trials: dict[str, float]) -> list[str]:
    """Of each framework the variant that was fastest in the trials."""
    best: dict[str, str] = {}
    for contestant, speed in trials.items():
        name = framework(contestant)
        if contestant != OURS and speed > trials.get(best.get(name, ""), 0.0):
            best[name] = contestant
    return list(best.values())
