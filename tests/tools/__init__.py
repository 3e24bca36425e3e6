"""Tools of ours: what builds the bundled data. No wheel carries them."""
