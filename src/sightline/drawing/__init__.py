"""What is drawn onto pictures: truths, predictions, sheets of many."""
