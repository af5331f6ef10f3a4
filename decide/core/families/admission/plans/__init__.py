"""Plans for what the API server refuses."""
