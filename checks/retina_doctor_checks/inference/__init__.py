"""Does the service's own model find faces here, and where does it really run?"""
