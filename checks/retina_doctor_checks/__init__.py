"""The checks for RetinaFace / InsightFace services: one folder per domain. Imports nothing: see pack.py."""
