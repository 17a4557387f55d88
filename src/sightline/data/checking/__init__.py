"""What is wrong in a set: one look at every image, findings by theme, a mended copy."""
