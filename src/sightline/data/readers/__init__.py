"""One format a file; each reads a place on disk into a `Splits`."""
