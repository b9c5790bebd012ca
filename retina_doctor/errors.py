"""What ends a run before its end. A file of its own, so that `--help` need not import what settings are made of."""


class UsageError(Exception):
    """Wrong usage or settings: one clear line for the operator, exit code 2."""


class Interrupted(BaseException):
    """A signal asked us to end; its number is the argument. No KeyboardInterrupt, which Typer would turn into its own exit."""
