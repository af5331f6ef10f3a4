"""What the API server refuses: pods, objects that a quota keeps out, claims that are not there."""
