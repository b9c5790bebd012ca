"""What several facts say together: pure, for any domain. Imports facts and nothing else of the pack."""
