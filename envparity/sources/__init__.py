"""What says elsewhere what a deployment is: one file for each format, read into parts of an environment."""
