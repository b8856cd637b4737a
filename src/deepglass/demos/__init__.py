"""What a student tries first: small trainings that need no data of one's own, each with its part of the course."""
