"""Point-in-time data: what each number is, and when it was known."""
