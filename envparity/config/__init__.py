"""Files of a project to plain data: a file for each table, every mistake of every file at once."""
