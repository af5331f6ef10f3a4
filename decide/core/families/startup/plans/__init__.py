"""Plans for containers that do not start."""
