"""Does the service's model path lead to a face detector that can be read?"""
