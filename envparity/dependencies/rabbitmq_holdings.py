"""What a RabbitMQ holds that does not end by itself: queues, exchanges, bindings, and what nobody confirms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from envparity.dependencies.shapes import dotted_shape_of
from envparity.dependency.kind import Shell
from envparity.errors import LaunchError

__all__ = ["NODE_VARIABLE", "held_by"]

NODE_VARIABLE = "ENVPARITY_NODE"
"""What says beside a server at which address its node listens to other nodes, where that is not the usual one."""

_USUAL_NODE = "127.0.0.1:25672"
_DONE = "envparity-holdings-done"

# Asked of the node itself, which takes milliseconds: a start of rabbitmqctl takes seconds. A queue that expires when
# nobody uses it ends by itself. Messages that wait are not counted, which others take.
_QUESTION = """
Say = fun(Sort, Name, Count) -> io:format("~s ~s. ~b~n", [Sort, binary:encode_hex(Name), Count]) end,
lists:foreach(fun(Queue) ->
    Info = rabbit_amqqueue:info(Queue, [name, arguments, consumers, messages_unacknowledged]),
    {resource, _, queue, Name} = proplists:get_value(name, Info),
    case lists:keymember(<<"x-expires">>, 1, proplists:get_value(arguments, Info)) of
        true -> ok;
        false ->
            Say("queues", Name, 1),
            Say("consumers", Name, proplists:get_value(consumers, Info)),
            Say("unconfirmed", Name, proplists:get_value(messages_unacknowledged, Info))
    end
end, rabbit_amqqueue:list()),
lists:foreach(fun(Exchange) ->
    [{name, {resource, _, exchange, Name}}] = rabbit_exchange:info(Exchange, [name]),
    Say("exchanges", Name, 1)
end, rabbit_exchange:list()),
lists:foreach(fun(Binding) ->
    [{source_name, Name}] = rabbit_binding:info(Binding, [source_name]),
    Say("bindings", Name, 1)
end, lists:append([rabbit_binding:list(Host) || Host <- rabbit_vhost:list_names()])),
Say("channels", <<>>, length(rabbit_channel:list())).
"""
_WORDS = {
    "queues": "queues {}",
    "consumers": "consumers of {}",
    "unconfirmed": "unconfirmed messages of {}",
    "exchanges": "exchanges {}",
    "bindings": "bindings to {}",
    "channels": "channels",
}


async def held_by(shell: Shell) -> Mapping[str, int]:
    """How many of each sort there are. Raises `LaunchError` with what is said against it."""
    node = f'"${{{NODE_VARIABLE}:-{_USUAL_NODE}}}"'
    asked = f"erl_call -e -fetch_stdout -no_result_term -timeout 5 -address {node}"
    said = await shell.ask(f"{asked} <<'END'\n{_QUESTION}END\necho {_DONE}\n", _DONE)
    held: Counter[str] = Counter()
    for line in filter(str.strip, said.splitlines()):
        try:
            sort, name, count = line.split()
            shape, amount = dotted_shape_of(bytes.fromhex(name.rstrip(".")).decode(errors="replace")), int(count)
        except ValueError as error:
            raise LaunchError(f"RabbitMQ does not say what it holds: {said.strip()}") from error
        if sort == "channels" or not _is_own(sort, shape):
            held[_WORDS[sort].format(shape)] += amount
    return {sort: count for sort, count in held.items() if count}


def _is_own(sort: str, name: str) -> bool:
    """The default exchange, to which every queue is bound, and those that the server makes."""
    return (sort == "exchanges" and name.startswith("amq.")) or (sort in {"exchanges", "bindings"} and not name)
