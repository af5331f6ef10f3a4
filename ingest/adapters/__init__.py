"""FastAPI in front."""
