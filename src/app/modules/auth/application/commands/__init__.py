"""What auth can be told, one use case per file."""
