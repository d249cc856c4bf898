"""How the backend starts: components, their graph, the sequencer, the report, the validation."""
