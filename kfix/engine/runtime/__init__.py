"""The runtime: consume, decode, drop repeats, time-out, retry, dead-letter, acknowledge, measure, log.

Comes in: what ``Stage`` declarations subscribe to. Goes out: what their handlers return, one hop later.
Promised: a record is acknowledged only after the broker has acknowledged everything that came of it (its results,
its retry record or its dead letter); one key's records are handled in order; at most one window of a partition is
handled again after a crash.

``stage``     how a stage declares itself          ``offsets``        which offsets may be committed, in order per key
``settings``  units and reasons of the settings    ``faust_consumer`` Faust: declarations, start and stop
``headers``   what travels beside a value          ``producer``       sending, many records for one await
``handler``   one record's way through a handler   ``engine``         a stage's workers, timers and back-offs
``dead_letters`` reading and reviving them        ``http``           HTTP in the same event loop
``intake``    group membership, polls, commits     ``process``        one process with one or all stages
``vitals``    what counts as standing still        ``watchdog``       looks from outside, and ends the process

Only ``faust_consumer`` imports Faust.
"""
