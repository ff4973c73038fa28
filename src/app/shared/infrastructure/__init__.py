"""Adapters of the kernel: PostgreSQL, the event log and its delivery, logs."""
