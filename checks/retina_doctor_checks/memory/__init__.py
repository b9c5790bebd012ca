"""Does the GPU have the memory that the model needs, and who holds it? Judged on other domains' facts: no probe."""
