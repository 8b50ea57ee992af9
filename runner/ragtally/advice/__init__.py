"""What is worth doing with what is here: memory, examples, money."""
