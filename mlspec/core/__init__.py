"""Values every other layer speaks in; imports nothing of ours and does no I/O."""
