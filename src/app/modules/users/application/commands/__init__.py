"""What users can be told, one use case per file."""
