"""The catalog: entry points to a table of names, loaded lazily."""
