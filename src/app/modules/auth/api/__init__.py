"""The HTTP resources of `auth`, one file each: schemas and routes together."""
