"""One door per outside thing: yaml, git, files, resources, clock, processes."""
