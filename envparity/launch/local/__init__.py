"""What the stacks of this machine have in common, whatever their servers and replicas run in."""
