"""One self-contained HTML file of a run, for the person who opens it because something is red."""

from __future__ import annotations

from envparity.report.html.page import html_page
from envparity.report.kinds import Report

__all__ = ["REPORT", "html_page"]

REPORT = Report("Write the whole report as one HTML file.", html_page)
