"""Where the bytes of a dataset come from, and how they become a table."""
