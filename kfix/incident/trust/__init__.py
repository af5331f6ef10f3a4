"""How far K-Fix's fixes can be trusted: what became of each, and the figures of many. Pure. Definitions: docs/trust.md."""
