"""The pure part of the console: an incident out of its records, its JSON, its plots."""
