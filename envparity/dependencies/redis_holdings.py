"""What a Redis holds that does not end by itself: keys without an expiry, by the shape of their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from envparity.dependencies.redis_session import RedisSession
from envparity.dependencies.shapes import shape_of

__all__ = ["held_by"]

# In one question, because each costs a round trip: names of keys without an expiry, and how many members they have.
# Lists and streams are queues and logs, which others empty. A sorted set whose scores are moments says when its members
# end, and is swept.
_KEYS = """
local found, cursor = {}, '0'
repeat
  local page = redis.call('SCAN', cursor, 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    if redis.call('PTTL', key) == -1 then
      local kind, members = redis.call('TYPE', key).ok, -1
      if kind == 'hash' then members = redis.call('HLEN', key) end
      if kind == 'set' then members = redis.call('SCARD', key) end
      if kind == 'zset' then
        local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
        if last[2] and math.abs(tonumber(last[2])) < 1000000000 then members = redis.call('ZCARD', key) end
      end
      found[#found + 1] = key
      found[#found + 1] = members
    end
  end
until cursor == '0' or #found > 100000
return found
"""


async def held_by(session: RedisSession) -> Mapping[str, int]:
    """How many keys of each shape, and how many members all of that shape have together. Raises `LaunchError`."""
    answer = await session.run(0, ("EVAL", _KEYS, "0"))
    found = answer if isinstance(answer, list) else []
    held: Counter[str] = Counter()
    for name, members in zip(found[::2], found[1::2], strict=True):
        shape = shape_of(str(name))
        held[shape] += 1
        if members >= 0:
            held[f"members of {shape}"] += members
    return dict(held)
