"""One enterprise's story through five platforms, run with real processes on loopback."""
