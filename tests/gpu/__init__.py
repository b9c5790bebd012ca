"""Tests that need a real card: `uv run pytest tests/gpu -n 0 -s`, which also shows the figures that they measure. They fail where
something is absent; none is skipped.

RETINA_DOCTOR_GPU_PYTHON names the Python in which onnxruntime-gpu runs on the card, with its CUDA libraries; else this one.
They have been collected and imported, and, for want of a card, not yet been seen to pass.
"""
