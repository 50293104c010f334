"""What a reader has chosen, and how it travels: address, file, undo, presentation."""
