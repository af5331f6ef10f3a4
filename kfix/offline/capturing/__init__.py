"""A running cluster into a folder that ``kfix diagnose`` reads: what enrich reads for an alert, and nothing else."""
