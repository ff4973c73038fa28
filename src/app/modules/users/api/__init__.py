"""The HTTP resources of `users`, one file each: schemas and routes together."""
