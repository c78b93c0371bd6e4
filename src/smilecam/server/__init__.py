"""The live page, its API and its safety (extra: web)."""
