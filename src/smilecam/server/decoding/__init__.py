"""Decoding of what clients send: its header is read here, the rest in processes that may fail."""
