"""Pure: what the specs ask for, against what is recorded, gives a plan."""
