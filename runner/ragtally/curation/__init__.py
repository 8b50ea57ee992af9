"""People decide about examples: the log of what they decided, the page and the sheets where they do."""
