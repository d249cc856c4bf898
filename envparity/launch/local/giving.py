"""What a boot on this machine is given, once it is known where everything is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from envparity.dependency.kind import CA_PATH, KINDS, HoldsKeys, kind_of, secret_literals
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.keys import issuer_of, provider_keys
from envparity.launch.local.given import Given, StackNetwork
from envparity.launch.local.offers import Offers
from envparity.launch.local.parts import BootedDependency
from envparity.launch.resolve import (
    ResolvedSetting,
    RunSecrets,
    fingerprints,
    named_secrets,
    resolve_settings,
    secret_variables,
)
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import Dependency, Environment
from envparity.support.redaction import Redaction

__all__ = ["Giving"]


@dataclass(frozen=True)
class Giving:
    """Gives a case its settings and keys, and the servers of its dependencies theirs."""

    case: Case
    backend: Backend
    environment: Environment
    authority: CertificateAuthority
    secrets: RunSecrets = field(repr=False)
    keys: Mapping[str, str] = field(repr=False)

    def offers(self, place: StackNetwork, dependencies: Mapping[str, BootedDependency]) -> Offers:
        """What settings may take in that place."""
        ports = {name: dependency.proxy.port for name, dependency in dependencies.items()}
        beside = {
            name: each_dependency.beside[0].port
            for name, each_dependency in dependencies.items()
            if each_dependency.beside
        }
        return Offers(self.backend, self.environment, place, ports, beside, self.keys, self.secrets)

    def given(self, offers: Offers) -> Given:
        """What this boot is given of that."""
        environment, secrets, place = self.environment, self.secrets, offers.place
        sources = offers.sources()

        def resolve(boot: Boot, moved: Mapping[str, str]) -> tuple[ResolvedSetting, ...]:
            return resolve_settings(self.backend, environment, boot, {**sources, **moved}, secrets)

        resolved = resolve(self.case.boot, {})
        checked = self.authority.client_context()
        unchecked = self.authority.client_context(check=False)  # of who presents another host's certificate on purpose
        return Given(
            case=self.case,
            backend=self.backend,
            environment=environment,
            place=place,
            # What is recorded is what the files say; what is given says where the authority's certificate is here.
            resolved=tuple(
                replace(setting, value=setting.value.replace(CA_PATH, place.ca_path)) for setting in resolved
            ),
            keys={**self.keys, **issuer_of(self.backend, sources)},
            urls={name: offers.url(name) for name in offers.ports},
            dependency_tls={
                name: unchecked if name in self.case.boot.other_host else checked
                for name, dependency in environment.dependencies.items()
                if dependency.tls != "off"
            },
            fingerprints=fingerprints(resolved, secrets),
            fingerprints_of=lambda settings: fingerprints(settings, secrets),
            resolve=resolve,
        )

    def with_keys(self, name: str, declared: Dependency) -> Dependency:
        """That dependency with the keys that it signs with, where it is of a kind that does. Raises `DoorFailed`."""
        kind = kind_of(declared)
        if not isinstance(kind, HoldsKeys):
            return declared
        keys = provider_keys(self.backend, self.environment.name, name, self.keys, self.secrets)
        with KINDS.guarding(kind):
            return kind.with_keys(declared, keys)

    def redaction(self, resolved: tuple[ResolvedSetting, ...]) -> Redaction:
        """What is a secret of this boot, with these settings, and what is shown for it."""
        made, given = self.secrets.named(self.environment.name), named_secrets(resolved)
        said = (
            secret
            for name, dependency in self.environment.dependencies.items()
            for secret in secret_literals(name, dependency)
        )
        return Redaction((*made, *given, *said, *secret_variables(self.backend)))
