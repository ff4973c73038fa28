"""The event log and its delivery: stored with the change, handled exactly once."""
