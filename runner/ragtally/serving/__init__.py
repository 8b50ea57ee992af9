"""One cell as a Haystack pipeline that answers a single question, from files that `ragtally export pipeline` copied.

from haystack import Pipeline
pipeline = Pipeline.loads(text, allowed_modules=["ragtally.serving"])
pipeline.run({"question": "Does it help?"})["decide"]["verdict"]
"""

from ragtally.serving.pipeline import Served, is_plain, kinds_of, serve, written

__all__ = ["Served", "is_plain", "kinds_of", "serve", "written"]
