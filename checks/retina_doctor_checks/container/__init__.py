"""Was the container given the GPU, and can this machine give it to one? Part of the domain "driver"."""
