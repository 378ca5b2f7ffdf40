"""Content-addressed artifacts behind one small Protocol."""
