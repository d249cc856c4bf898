"""EP331 to EP333: what is promised to one client holds for many, and while another one floods."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.circumstances import logged
from envparity.judge.conversation_checks import breach_of, ending, flooded_by, nature_of
from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.judge.volatile import steady
from envparity.observe.record import Observation
from envparity.observe.transcript import Clients

__all__ = ["RULES", "served_of"]

_TIMES = 2


def served_of(clients: Clients) -> str:
    """`40 of 50 clients served; 10 met close 1013`."""
    otherwise = "".join(f"; {count} met {what}" for what, count in clients.otherwise.items())
    return f"{clients.served} of {clients.of} clients served{otherwise}"


def _not_served(_view: RunView, observation: Observation) -> Iterator[Breach]:
    for script in observation.transcripts:
        clients, departure = script.clients, script.departure
        if clients is None or departure is None:
            continue
        most = next(iter(clients.otherwise), departure.kind)
        counts = (play.clients for play in observation.plays(script.scenario) if play.clients is not None)
        expected, got = (steady(text, script.names) for text in (departure.expected, departure.got))
        yield Breach(
            where=script.scenario,
            expected=f"at least {clients.least} of {clients.of} clients served",
            got=f"fewer: {most}",
            scenario=script.scenario,
            nature=most,
            evidence=(
                *(Note(f"{observation.case.environment}: {served_of(count)}") for count in counts),
                Note(f"step {departure.step + 1}: expected {expected}, got {got}"),
                ending(script),
                *logged(script.logged),
            ),
        )


def _starved(view: RunView, observation: Observation) -> Iterator[Breach]:
    for script in observation.transcripts:
        departure, floods = script.departure, flooded_by(script)
        if departure is None or script.clients is not None or not floods:
            continue
        yield Breach(
            where=script.scenario,
            expected=f"{steady(departure.expected, script.names)}, whatever {', '.join(floods)} sends",
            got=steady(departure.got, script.names),
            scenario=script.scenario,
            step=departure.step,
            nature=nature_of(view.project.backend, script, departure),
            evidence=(ending(script), *logged(script.logged)),
        )


def _standstill(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Nothing comes to many for longer than all of a replica would take one after the other, in each of two plays.

    Who is refused is no matter of it, nor who waits while others are served: that is load.
    """
    names = dict.fromkeys(play.together.scenario for play in observation.at_once)
    for scenario in names:
        plays = [play for play in observation.at_once if play.together.scenario == scenario]
        stood = [play for play in plays if play.stands_still]
        if len(stood) < _TIMES or any(play.departure is not None for play in observation.plays(scenario)):
            continue
        script = stood[-1].together
        clients, departure = script.clients, script.departure
        if clients is not None and departure is not None:
            alone_s = stood[-1].alone_s
            still = f"nothing came to any of them for {clients.standstill_s:.1f} s; to one alone for {alone_s:.1f} s"
            yield breach_of(
                view.project.backend, script, departure, (Note(f"{served_of(clients)} at once"), Note(still))
            )


RULES: tuple[Rule, ...] = (
    contract(
        "EP331",
        "not every client is served",
        Conduct("conversation", follows=True, departure=True, causes="hybrids"),
        means="""
            A scenario was played by several clients at the same time, each a user of its own, and fewer of them than it
            asks for were served as its script says: the others were refused, closed, or waited in vain.
        """,
        matters="What one client at a time never meets, a morning of many does: a pool, a limit, a queue that fills.",
        action="""
            See what most of the others met, and which limit that is: of the pool, the server's connections, the
            ingress, the platform.
        """,
        example="""
            expected at least 50 of 50 clients served, got fewer: close 1013
            staging: 40 of 50 clients served; 10 met close 1013
        """,
        check=_not_served,
    ),
    contract(
        "EP332",
        "a flood keeps another client waiting",
        Conduct("conversation", follows=True, departure=True, ends="silent", causes="hybrids", joins=False),
        means="""
            One connection had sent a flood, and another that asked as usual was not answered within its deadline.
        """,
        matters="One user who sends too much, by mistake or not, is an outage for all others of that replica.",
        action="""
            Bound what one connection may have under way, and let others have their turn: a limit for each user, a queue
            for each connection, no work in the event loop.
        """,
        example="expected message: pong within 2 s, whatever noisy sends, got nothing",
        check=_starved,
    ),
    contract(
        "EP333",
        "clients at once wait for one another",
        Conduct("conversation", "its scenario", causes="hybrids", merges=True, joins=False, also="at once"),
        means="""
            A scenario that serves one client was played, in a thorough run or where it was named, by more of them at
            the same time than the pool has connections, with dependencies whose answers take 15 ms. Nothing came to any
            of them for longer than those of one replica would have taken one after the other, and some were not served;
            twice.
        """,
        matters="""
            A handler that holds a connection of a pool, or a lock, while it waits for a second one stops for good when
            as many are under way as there are. Tests ask one after the other; a morning does not.
        """,
        action="""
            Take what is needed at once, or give back the one before you ask for the next; pass the connection on to
            what is called, and open no second one within it.
        """,
        example="expected message: answer within 5 s, got nothing; 0 of 12 clients served; 12 met timeout at once",
        check=_standstill,
    ),
)
