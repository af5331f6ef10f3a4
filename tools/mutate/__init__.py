"""Plants faults in a scratch copy, one at a time, and counts those that the tests notice: `make mutate AREA=…`.

Cosmic Ray makes the faults and keeps the results. Which tests run for a fault is read off coverage.py's contexts: those
that execute the faulty statement. How to use it: ``docs/testing.md``.
"""
