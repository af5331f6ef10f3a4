"""Schemas of released versions, ``<topic>.<fingerprint>.avsc``. Never changed, never deleted. Data only."""
