"""safety's connections to the world."""
