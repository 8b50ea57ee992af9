"""Running a study, estimating what it costs, and fetching data."""
