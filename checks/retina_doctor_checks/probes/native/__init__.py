"""Compiled files, sent to targets: what they need, what the loader finds for them, which GPUs they hold code for."""
