"""Memory of earlier incidents: a masked signature, its vector, and an index to find near ones.

learn remembers, enrich recalls. ``signature`` and ``embedding`` are pure; ``index`` is the port; ``sql`` (vectors in the
relational store, exact cosine) and ``pinecone`` are its adapters; ``indexes`` has a module for each that can be chosen;
``opening`` composes them from settings.
Vectors of different models are never compared.
"""
