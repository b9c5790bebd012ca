"""Is onnxruntime there, is it the GPU build, and does a real session get the GPU?"""
