"""What `auth` does to the world outside the database, after it happened inside."""
