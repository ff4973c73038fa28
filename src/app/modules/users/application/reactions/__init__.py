"""What users does when something happened elsewhere, one use case per file."""
