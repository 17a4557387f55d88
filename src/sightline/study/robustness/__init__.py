"""How much a model bears: spoiled pictures, and pictures changed against it."""
