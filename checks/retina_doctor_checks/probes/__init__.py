"""All that is sent to other interpreters: Python 3.8, the standard library and what is looked at, nothing else of the pack."""
