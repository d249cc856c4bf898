"""Where the time of a verdict went, as a table."""

from __future__ import annotations

from envparity.report.html.markup import Html, tag
from envparity.report.profile import Share, profile_of
from envparity.report.saved import SavedRun

__all__ = ["profile_table"]


def profile_table(run: SavedRun) -> Html:
    """The run by the clock, the phases of its boots added up, and what took longest."""
    profile = profile_of(run)
    groups = (
        (f"the run, {profile.duration_s:.1f} s", profile.clock, profile.duration_s),
        (f"its boots, added up, {profile.booted_s:.1f} s", profile.phases, profile.booted_s),
        ("longest boots", profile.boots, 0.0),
        ("longest conversations", profile.conversations, 0.0),
    )
    head = tag("tr", [tag("th", item, scope="col") for item in ("what", "of", "seconds", "share")])
    rows = [_row(title, share, whole) for title, shares, whole in groups for share in shares]
    if not rows:
        return tag("p", "Nothing was measured.", class_="nothing")
    table = tag(
        "table",
        tag("caption", "Seconds of the run, of its boots, and of what took longest", class_="unseen"),
        tag("thead", head),
        tag("tbody", rows),
        class_="exemptions",
    )
    region = tag("div", table, class_="wide", tabindex="0", role="region", aria_label="Where the time went")
    return tag("details", tag("summary", f"{profile.duration_s:.1f} s, and what they went to"), region)


def _row(title: str, first_share: Share, whole: float) -> Html:
    share = f"{100 * first_share.seconds / whole:.0f} %" if whole else ""
    return tag(
        "tr",
        tag("th", first_share.name, scope="row"),
        tag("td", title),
        tag("td", f"{first_share.seconds:.1f}"),
        tag("td", share),
    )
