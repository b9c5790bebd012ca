"""Which builds of onnxruntime-gpu and torch fit this driver, these cards, this Python, and each other."""
