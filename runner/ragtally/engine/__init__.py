"""Running a study: doing the work that its plan names and the store does not have, and writing result files."""
