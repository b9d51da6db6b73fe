"""Results that the repository keeps, in results-published/: form, collecting, checks."""
