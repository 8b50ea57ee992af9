"""A study's results for people: one page, and tables for the terminal, written from one model."""
