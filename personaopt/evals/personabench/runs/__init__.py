"""A run of the bench: every persona under every method, session after session, a row on the disk for each."""
