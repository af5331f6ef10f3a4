"""Controllers of which no replica leads."""
