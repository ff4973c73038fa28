"""What auth can be asked, one use case per file."""
