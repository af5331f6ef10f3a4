"""Prometheus' words: what its labels mean, how a workload's metrics are asked for, what an expression compares."""
