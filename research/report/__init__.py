"""Terminal, HTML and notebook displays of a Study; nothing is computed here."""
