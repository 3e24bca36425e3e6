"""Claims on record: their file, what is counted, and how often the running e-values err."""
