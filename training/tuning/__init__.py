"""Finding better numbers for a shop within a time budget, on the validation window only."""
