"""The menu: ready-made typed runs, one file each, sized by one dial. The contract is in `deepglass.recipes.recipe`."""
