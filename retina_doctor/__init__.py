"""retina-doctor: finds why a RetinaFace / InsightFace service does not work, and prints the command that fixes it."""

__version__ = "0.3.0.dev0"
