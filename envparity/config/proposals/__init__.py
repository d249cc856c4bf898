"""What the files of a project say of its backend, as proposals for `envparity init`: each with where it was found."""
