"""What both faces share: where the inputs are, how the engine is started, what the exit codes mean."""
