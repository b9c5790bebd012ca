"""Is there an NVIDIA GPU, does its driver work, and does CUDA start in the target?"""
