"""The kernel: what every module stands on and none of them owns."""
