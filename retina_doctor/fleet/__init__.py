"""Many machines at once: what their snapshots say together (`report`), how snapshots come from nodes (`collect`), and what
changed since (`diff`). Knows no domain: nodes, checks and facts alone."""
