"""What the platform allows a replica, in the engine's words."""

from __future__ import annotations

from envparity.model.environment import Environment, Platform

__all__ = ["platform_limits", "writable_folders"]

_MIB = 1024 * 1024


def writable_folders(platform: Platform) -> tuple[str, ...]:
    """The folders that the platform keeps writable although the root is not."""
    return platform.writable if platform.read_only_root else ()


def platform_limits(environment: Environment, gateway: str) -> dict[str, object]:
    """What the platform allows a replica, in the engine's words, and where it finds its dependencies."""
    platform = environment.platform
    names = [name for key, declared in environment.dependencies.items() for name in (key, *declared.hosts)]
    limits: dict[str, object] = {"extra_hosts": dict.fromkeys(names, gateway)}
    if platform.cpus is not None:
        limits["nano_cpus"] = int(platform.cpus * 1e9)
    if platform.memory_mib is not None:
        limits |= {"mem_limit": platform.memory_mib * _MIB, "memswap_limit": platform.memory_mib * _MIB}
    if platform.user is not None:
        limits["user"] = str(platform.user)
    if platform.read_only_root:
        limits["read_only"] = True
    return limits
