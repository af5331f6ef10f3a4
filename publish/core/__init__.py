"""The pure part: what to do about a record, and every text that people will read."""
