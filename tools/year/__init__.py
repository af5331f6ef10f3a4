"""A simulated year of incidents, through the ledger and the cores that rank, veto and recalibrate.

python -m tools.year --seeds 1,2,3,4,5      make year
"""
