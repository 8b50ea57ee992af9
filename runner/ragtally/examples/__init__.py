"""Examples that a small model can learn from: what they are, how they are asked for, read, and compared."""
