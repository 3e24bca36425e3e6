"""assay: an investment thesis about gold and silver, put on trial."""
