"""YAML text: reading with positions, and edits that change no other byte."""
