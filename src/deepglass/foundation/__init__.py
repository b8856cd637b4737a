"""Under every room: settings, catalogues, seeds, device, errors, words."""
