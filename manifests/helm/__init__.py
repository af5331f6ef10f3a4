"""Releases, charts and the layers of their values."""
