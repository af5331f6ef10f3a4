"""From bytes to records, without I/O: what a body says, who sent it, what it means."""
