"""What users can be asked, one use case per file."""
