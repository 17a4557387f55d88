"""What one does with trainings and between them."""
