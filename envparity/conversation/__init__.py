"""Conversations with a backend: a state machine without I/O, the contract, tokens, and the driver."""
