"""learn's connections to the world."""
