"""How a fitted model becomes bytes and back: without running code, but for pickles."""
