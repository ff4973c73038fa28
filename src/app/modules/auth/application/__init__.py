"""The use cases of `auth`, one file each, and the ports that they need."""
