"""What was sent, as people look at it."""
