"""Values to text: the terminal, JSON, errors with excerpts."""
