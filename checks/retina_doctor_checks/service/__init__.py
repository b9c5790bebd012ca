"""Does the service run, can it bind its port, can others reach it?"""
