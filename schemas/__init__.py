"""The language: every message, every identity, every error. Imports nothing of ours.

One module per topic: ``alerts`` (alerts.raw), ``context`` (context.bundle), ``plans`` (plans.candidate),
``validated`` (plans.validated), ``merge_requests`` (mr.events), ``outcomes`` (outcomes); ``text``: sentences for people as data.
"""
