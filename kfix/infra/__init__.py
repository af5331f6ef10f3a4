"""The outer world: settings, telemetry, clients, store and memory."""
