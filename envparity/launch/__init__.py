"""Launchers behind one port: give one a case, get a booted stack."""
