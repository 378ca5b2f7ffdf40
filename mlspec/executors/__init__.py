"""Where project code runs: a Protocol and one executor of local child processes."""
