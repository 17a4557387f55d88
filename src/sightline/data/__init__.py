"""From files and arrays to batches: data sets, canvases, views, the loader."""
