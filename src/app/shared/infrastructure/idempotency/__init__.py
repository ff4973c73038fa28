"""Requests that were answered, for when they are sent again."""
