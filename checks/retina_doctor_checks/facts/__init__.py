"""What probes tell, one file a domain: types alone. Imports nothing of the pack."""
