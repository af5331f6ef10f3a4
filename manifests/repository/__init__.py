"""A repository's files: index, graph of overlays, provenance, and where an object is declared."""
