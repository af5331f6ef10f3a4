"""Factories of the official clients that stages share: time-outs, bounded retries, typed errors."""
