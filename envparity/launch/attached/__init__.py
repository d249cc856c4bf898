"""The attached launcher: boots nothing, looks at an environment where it runs, and stops or cuts nothing there."""
