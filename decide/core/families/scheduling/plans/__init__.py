"""Plans for pods that find no node."""
