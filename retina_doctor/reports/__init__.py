"""One small file per format; each is a function from a diagnosis to text."""
