"""console: every record of every topic comes in; pages and JSON for people go out, and their feedback.

Promised: an incident is readable at every stage of its life, whatever order its records come in; what came from outside
is shown as text and nothing else; no script, no asset from elsewhere.
"""
