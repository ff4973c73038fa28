"""HTTP of the kernel: problems, the request boundary, injection, the caller, health, docs."""
