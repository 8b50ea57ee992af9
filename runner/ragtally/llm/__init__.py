"""Calls of language models: what is unanswered is sent live or in batches, within a budget, and saved at once."""
