"""A server of language models that thinks nothing: OpenAI's API and Ollama's own, chat and embeddings, with faults.

It runs in a process of its own (`python -m model_server`), so that the tests and `make benchmark` meet real
sockets. It needs the standard library alone. Answers follow from the prompt by fixed rules; faults come by a seed.
Its control endpoints tell what it saw:

    GET  /control/counts      how many calls came, how many were answered well, by model, status, fault and key
    GET  /control/requests    the latest requests, with their headers and bodies
    GET  /control/tunings     the fine-tuning jobs that were accepted, with the content of their files
    POST /control/settings    change settings (see `settings.py`) while it runs
    POST /control/reset       forget all counts
    POST /control/restore     forget all counts and go back to the settings of the start

From a test: `with running_server(skill=0.8, latency=0.1) as server:` (see `fixture.py`).
"""
