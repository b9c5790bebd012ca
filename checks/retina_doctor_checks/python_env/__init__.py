"""Python and system libraries of the target."""
