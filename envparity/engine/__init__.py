"""The engine: plans the cases, boots them through a launcher, and looks for the causes of what it finds."""
