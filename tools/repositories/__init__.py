"""Repositories made by chance, and a judge of edits in them that renders with the real programs and knows nothing of K-Fix."""
