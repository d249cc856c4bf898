"""One self-contained HTML file of a run, for the person who opens it because something is red."""

from __future__ import annotations

from envparity.report.html.page import html_page

__all__ = ["html_page"]
