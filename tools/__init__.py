"""Developers' tools. The product imports none of them."""
