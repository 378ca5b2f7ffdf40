"""One verb a file: where pure and impure meet."""
