"""EP309–310, EP405: how a scenario goes for a user who comes back with the same credential and ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.circumstances import logged
from envparity.judge.conversation_checks import ending, nature_of
from envparity.judge.evidence import Counts, Evidence
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract, parity
from envparity.judge.view import RunView
from envparity.judge.volatile import steady
from envparity.model.backend import Backend
from envparity.observe.record import Observation, SecondPlay
from envparity.observe.transcript import ConnectionClosed, Transcript, violations_of

__all__ = ["RULES"]

_INTERNAL_ERROR = 1011  # RFC 6455 §7.4.1 and its registry
_KEPT = "as the first time"


def _broken(view: RunView, observation: Observation) -> Iterator[Breach]:
    """What is wrong whatever a second time may be like; and what the scenario says is to be as the first time."""
    told: set[str] = set()
    for play, shown, of in _by_scenario(observation):
        script = play.transcript
        wrong = _wrong(view, script, held=_is_held(observation, play)) if script.scenario not in told else None
        if wrong is None:
            continue
        told.add(script.scenario)
        expected, got, nature = wrong
        yield Breach(
            where=script.scenario,
            expected=expected,
            got=got,
            scenario=script.scenario,
            step=script.departure.step if script.departure is not None else None,
            nature=nature,
            symptom=_symptom(view.project.backend, (script,)),
            evidence=(*_in_some(observation, shown, of), ending(script), *logged(script.logged)),
        )


def _by_scenario(observation: Observation) -> Iterator[tuple[SecondPlay, int, int]]:
    """Every second play, with how many of its scenario left their script, and how many there are."""
    for play in observation.second:
        same = [
            each_play for each_play in observation.second if each_play.transcript.scenario == play.transcript.scenario
        ]
        yield play, sum(each_play.transcript.departure is not None for each_play in same), len(same)


def _in_some(observation: Observation, shown: int, of: int) -> Iterator[Evidence]:
    if 0 < shown < of:
        yield Counts(observation.case.environment, shown, of, "second times in one boot")


def _is_held(observation: Observation, play: SecondPlay) -> bool:
    """Whether a play is held to its script: nobody was away for longer before the second time of that scenario."""
    same = [each_play for each_play in observation.second if each_play.transcript.scenario == play.transcript.scenario]
    return all(each_play.away_s <= play.away_s for each_play in same)


def _wrong(view: RunView, script: Transcript, *, held: bool) -> tuple[str, str, str] | None:
    """What was expected, what came instead, and its nature; None where nothing is wrong.

    `held`: it is a matter of the script too, where the scenario is to go as the first time.
    """
    closed = next((each_event for each_event in script.events if _is_internal(each_event)), None)
    if isinstance(closed, ConnectionClosed):
        got = f"close 1011 {steady(closed.reason, script.names)}".rstrip()
        return "to be served again, or to be told why not; 1011 is for bugs", got, "close 1011"
    violations = [text for event in script.events for text in violations_of(event)]
    if violations:
        got = steady(violations[0], script.names)
        return "frames that the contract knows", got, f"contract {got}"
    departure = script.departure
    if held and departure is not None and _second_of(view, script.scenario) == "same":
        got = steady(departure.got, script.names)
        return steady(departure.expected, script.names), got, nature_of(view.project.backend, script, departure)
    return None


def _is_internal(event: object) -> bool:
    return isinstance(event, ConnectionClosed) and event.code == _INTERNAL_ERROR


def _second_of(view: RunView, scenario: str) -> str:
    return next(
        (each_scenario.second for each_scenario in view.project.backend.scenarios if each_scenario.name == scenario),
        "differs",
    )


def _of_replicas(view: RunView, observation: Observation) -> Iterator[Breach]:
    """On another replica than the one that served it first, who comes back is answered otherwise than on the same.

    Nothing is said of a scenario that does not go well the first time either: that is told for itself.
    """
    for scenario in _kept_at_first(observation):
        here, there = (_outcomes(view, observation, scenario, elsewhere=elsewhere) for elsewhere in (False, True))
        if len(here) == len(there) == 1 and here != there and not _is_told(view, observation, scenario):
            script = _one(observation, scenario, elsewhere=here == {_KEPT})
            yield Breach(
                where=scenario,
                expected=f"on another replica as on the one before: {next(iter(here))}",
                got=next(iter(there)),
                scenario=scenario,
                nature="replicas",
                symptom=_symptom(view.project.backend, _plays(observation, scenario)),
                evidence=() if script is None else (ending(script),),
            )


def _differs(view: RunView) -> Iterator[Breach]:
    """Who comes back is answered otherwise than in the baseline, and in neither of the two by chance."""
    for group in view.groups:
        for scenario in dict.fromkeys(name for observation in group for name in _scenarios(observation)):
            played = [
                (observation, outcomes)
                for observation in group
                if scenario in _kept_at_first(observation)
                and len(outcomes := _outcomes(view, observation, scenario)) == 1
                and not _is_told(view, observation, scenario)
            ]
            for other, outcomes in played[1:]:
                baseline, usual = played[0]
                if outcomes != usual:
                    script = _one(other, scenario) or _one(baseline, scenario)
                    yield Breach(
                        where=scenario,
                        expected=f"the second time as in {baseline.case.environment}: {next(iter(usual))}",
                        got=next(iter(outcomes)),
                        environments=(other.case.environment,),
                        cases=(baseline.case.id, other.case.id),
                        scenario=scenario,
                        nature="the second time",
                        symptom=_symptom(view.project.backend, (*_plays(baseline, scenario), *_plays(other, scenario))),
                        evidence=() if script is None else (ending(script),),
                    )


def _is_told(view: RunView, observation: Observation, scenario: str) -> bool:
    """Whether what is wrong with it is told for itself (EP309)."""
    plays = (play for play in observation.second if play.transcript.scenario == scenario)
    return any(_wrong(view, play.transcript, held=_is_held(observation, play)) is not None for play in plays)


def _scenarios(observation: Observation) -> Sequence[str]:
    return list(dict.fromkeys(play.transcript.scenario for play in observation.second))


def _kept_at_first(observation: Observation) -> Sequence[str]:
    """The scenarios that were played again, and went as their script says in every play of a new user."""
    firsts = (*observation.transcripts, *observation.control)
    departed = {transcript.scenario for transcript in firsts if transcript.departure is not None}
    return [name for name in _scenarios(observation) if name not in departed]


def _outcomes(
    view: RunView, observation: Observation, scenario: str, *, elsewhere: bool | None = None
) -> frozenset[str]:
    """How its second times went, each in a few words that are the same in every run."""
    return frozenset(
        _outcome(view.project.backend, play.transcript)
        for play in observation.second
        if play.transcript.scenario == scenario and elsewhere in {None, play.elsewhere}
    )


def _outcome(backend: Backend, script: Transcript) -> str:
    departure = script.departure
    if departure is None:
        return _KEPT
    return f"step {departure.step + 1}: {nature_of(backend, script, departure)}"


def _symptom(backend: Backend, plays: Iterable[Transcript]) -> str:
    """What those met that left their script, whichever step that was at: an error or an end before another frame."""
    natures = {nature_of(backend, play, play.departure) for play in plays if play.departure is not None}
    error = f"frame {backend.error_type}"
    return min(
        natures, key=lambda nature: (nature.startswith("frame ") and not nature.startswith(error), nature), default=""
    )


def _plays(observation: Observation, scenario: str) -> list[Transcript]:
    """Its second times."""
    return [play.transcript for play in observation.second if play.transcript.scenario == scenario]


def _one(observation: Observation, scenario: str, *, elsewhere: bool | None = None) -> Transcript | None:
    """A second time that left its script."""
    return next(
        (
            play.transcript
            for play in observation.second
            if play.transcript.scenario == scenario
            and play.transcript.departure is not None
            and elsewhere in {None, play.elsewhere}
        ),
        None,
    )


RULES: tuple[Rule, ...] = (
    contract(
        "EP309",
        "who comes back is not served",
        Conduct("conversation", "its scenario", causes="hybrids", merges=True, joins=False, also="returns"),
        means="""
            A scenario was played again with the same user, credential and ids, as by a client that reloads or opens a
            second tab, and was closed with 1011 or broke the contract; or it left its script although the scenario
            says `second = "same"`.
        """,
        matters="Tests use each token once. Users do not: what runs only for a known token runs for all of them.",
        action="""
            Look at what is remembered of the first time: a cache of tokens, a session, a lease, a counter. What may
            differ for who comes back is told by an error frame, not by 1011.
        """,
        example="to be served again, or to be told why not; 1011 is for bugs, got close 1011 <uuid>",
        check=_broken,
    ),
    contract(
        "EP310",
        "what is remembered is another replica's",
        Conduct("conversation", causes="hybrids", joins=False, also="returns"),
        means="""
            A user who came back to the replica that had served it was answered in one way, and in another on a
            replica that had not: a message with the same id was taken for a new one there, or the other way round.
        """,
        matters="A reconnect lands where the ingress sends it. Half of the retries are answered and stored twice.",
        action="Keep what must be remembered of a user where all replicas find it, not in the memory of a process.",
        example="on another replica as on the one before: step 4: frame agent_completed, got as the first time",
        check=_of_replicas,
    ),
    parity(
        "EP405",
        "the second time differs",
        Conduct("transcript", causes="hybrids", joins=False, also="returns"),
        means="""
            A user who came back with the same credential and ids was answered in one way in one environment and in
            another way in another, in every play of either.
        """,
        matters="Whether a retry is safe must not depend on where it is made.",
        action="Make the two the same: look for what is remembered, and where; say `second` where it is as it must be.",
        example="the second time as in local: step 4: frame agent_completed, got as the first time",
        check=_differs,
    ),
)
