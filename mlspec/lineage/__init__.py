"""The recorded state on its orphan branch: layout, reading, the write transaction, verification."""
