"""HTTP of the kernel: problems, the request boundary, injection, caller, health, metrics, docs."""
