"""What leaves ragtally: a cell as a Haystack pipeline, a base as a dataset, a trained model for its server."""
