"""The pure part of learn: what the measurements after a merge come to, what is learned."""
