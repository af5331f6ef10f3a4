"""Pods on nodes of another operating system."""
