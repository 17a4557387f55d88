"""Why a network says so: maps of a picture, and what its layers look for."""
