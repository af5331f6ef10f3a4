"""The pure part of enrich: what the alert is about, what changed, and one bundle out of everything gathered."""
