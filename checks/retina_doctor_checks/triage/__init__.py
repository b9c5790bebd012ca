"""From text that people paste to the cause: two readers (what it tells, what it complains of) and one ranking.

Pure: text in, diagnoses out. What is read from where is the command's business (commands/triage).
"""
