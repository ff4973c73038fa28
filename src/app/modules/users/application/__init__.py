"""The use cases of `users`, one file each, and the ports that they need."""
