"""The statistics: hits judged against evidence, ballots against gold labels; intervals, tests and decompositions."""
