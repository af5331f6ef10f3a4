"""Use cases of decide."""
