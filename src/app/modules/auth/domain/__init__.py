"""Aggregates, values, events, errors and repository ports of `auth`."""
