"""Volumes that do not reach the node of their pod."""
