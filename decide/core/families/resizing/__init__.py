"""Pods whose size was changed in place, and that do not get it."""
