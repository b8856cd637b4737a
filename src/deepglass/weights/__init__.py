"""Public weights: name, place, SHA-256, licence, preprocessing; reading them, and the one torch.load of the house."""
