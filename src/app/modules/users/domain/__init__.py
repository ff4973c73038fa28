"""The profile, its values, its errors and the port of its repository."""
