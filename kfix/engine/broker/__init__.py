"""Connection options, topics, and the embedded broker for trial.

Everything here speaks aiokafka; streams and handlers are ``kfix.engine.runtime``'s.
"""
