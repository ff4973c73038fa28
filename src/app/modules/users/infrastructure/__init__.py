"""Adapters of `users`: its table and its repository."""
