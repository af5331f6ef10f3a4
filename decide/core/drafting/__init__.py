"""How changes are drafted: drafts, sizes, the last good revision, drift."""
