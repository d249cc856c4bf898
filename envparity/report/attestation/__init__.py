"""A verdict as a contract: what it claims, its signature, and whether it is enough for a deployment."""
