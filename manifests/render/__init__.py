"""What a repository's files build: the built-in renderer, merging, and what a build may touch."""
