"""Profiles: what people say of themselves. It knows of accounts by events only."""
