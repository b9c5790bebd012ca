"""The pack's own commands: they look and speak by themselves, so they stand above all else."""
