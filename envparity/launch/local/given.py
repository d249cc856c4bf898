"""What a boot on this machine was asked for and given, which stays as it is for as long as its stack stands."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from envparity.launch.certificates import OTHER_HOST
from envparity.launch.resolve import ResolvedSetting
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.observe.certificate import PresentedCertificate
from envparity.observe.record import SettingFingerprint

__all__ = ["Given", "StackFacts", "StackNetwork"]


@dataclass(frozen=True)
class StackNetwork:
    """Where a stack stands. `proxy_host` is where its proxies listen, `network` the network from which the ingress
    speaks to the replicas, `ca_path` where the backend finds the authority's certificate; `dependency_host` is the host
    under which it finds every dependency ("": each by its own name).
    """

    proxy_host: str
    network: str
    ca_path: str
    dependency_host: str = ""


@dataclass(frozen=True)
class Given:
    """The case, and what came of it before anything was started.

    `resolved` are the settings as the backend gets them; `keys` private keys that tokens are made with, by names that
    no setting has; `urls` those of the dependencies, and `dependency_tls` how those are reached that speak TLS.
    `resolve` gives the settings of another boot of this environment as the files say them, with other values for some
    of the sources that settings take from; `fingerprints_of` uses this run's salt.
    """

    case: Case
    backend: Backend
    environment: Environment
    place: StackNetwork
    resolved: tuple[ResolvedSetting, ...]
    keys: Mapping[str, str] = field(repr=False)
    urls: Mapping[str, str] = field(repr=False)
    dependency_tls: Mapping[str, ssl.SSLContext]
    fingerprints: tuple[SettingFingerprint, ...]
    fingerprints_of: Callable[[tuple[ResolvedSetting, ...]], tuple[SettingFingerprint, ...]]
    resolve: Callable[[Boot, Mapping[str, str]], tuple[ResolvedSetting, ...]]


class StackFacts:
    """What a stack is of, by what it was given."""

    given: Given

    @property
    def case(self) -> Case:
        return self.given.case

    @property
    def backend(self) -> Backend:
        return self.given.backend

    @property
    def environment(self) -> Environment:
        return self.given.environment

    @property
    def fingerprints(self) -> tuple[SettingFingerprint, ...]:
        return self.given.fingerprints

    @property
    def presented(self) -> tuple[PresentedCertificate, ...]:
        """The certificates that are not for the host which the backend asks for (`PresentsCertificates`)."""
        host, names = self.given.place.dependency_host, self.given.case.boot.other_host
        return tuple(PresentedCertificate(name, OTHER_HOST, host or name) for name in names)

    @property
    def settings(self) -> Mapping[str, str]:
        return {**self.given.keys, **{setting.name: setting.value for setting in self.given.resolved}}
