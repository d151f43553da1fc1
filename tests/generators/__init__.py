"""Real site generators, installed and run by `make generators`."""
