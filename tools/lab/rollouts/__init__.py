"""Rollouts on a real control plane: made-up ones, what became of each, as the table that K-Fix's arithmetic is held against."""
