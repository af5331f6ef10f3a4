"""Traffic that does not arrive: what Services lead to, the addresses that callers have, DNS settings."""
