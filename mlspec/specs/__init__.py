"""What a user may write: one pydantic model per kind, and the parser that turns documents into them."""
