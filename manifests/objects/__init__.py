"""Kubernetes objects by themselves: paths in them, quantities, shapes, changes."""
