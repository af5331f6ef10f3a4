"""Pods that are to go and stay."""
