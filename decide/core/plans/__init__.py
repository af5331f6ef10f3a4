"""Builders of plans that serve several families."""
