"""decide's connections to the world."""
