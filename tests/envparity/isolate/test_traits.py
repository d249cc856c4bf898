from __future__ import annotations

from itertools import permutations
from pathlib import Path

import msgspec
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from envparity.config.environment import load_environment, load_environments
from envparity.isolate.part import Part
from envparity.isolate.traits import Trait, carried, differences, mix
from envparity.model.environment import Dependency, Environment, FromSource, Ingress, Platform, SecretOf, Setting

FOLDER = Path(__file__).parents[3] / "environments"
SHIPPED = load_environments([FOLDER])
PAIRS = list(permutations(SHIPPED, 2))


def effect(environment: Environment) -> Environment:
    """All that an environment does to the backend."""
    return msgspec.structs.replace(environment, name="", description="", baseline=False, differences=(), deployed=None)


def mistakes_of(environment: Environment, folder: Path) -> list[str]:
    """What the loader says against a file with just this environment."""
    data = msgspec.to_builtins(environment)
    for area in ("platform", "ingress", *(f"dependencies.{name}" for name in environment.dependencies)):
        table = data
        for key in area.split("."):
            table = table[key]
        table.update(table.pop("options", {}))
        for key in [key for key, value in table.items() if value is None]:
            del table[key]
    for key in ("deployed", "image", "command", "entrypoint", "arguments", "notes", "places"):
        if not data[key]:
            del data[key]
    for difference in data["differences"]:
        difference.pop("expires", None)
    file = folder / f"{environment.name}.toml"
    file.write_text(tomli_w.dumps(data), encoding="utf-8")
    return [str(wrong) for wrong in load_environment(file)[1]]


@pytest.mark.parametrize(("passing", "failing"), PAIRS)
def test_all_traits_give_the_other_environment_and_none_the_same(passing: str, failing: str) -> None:
    """Nothing that differs is forgotten, and nothing is added."""
    first, other = SHIPPED[passing], SHIPPED[failing]
    traits = differences(first, other)
    assert effect(mix(first, other, traits)) == effect(other)
    assert effect(mix(first, other, ())) == effect(first)
    assert differences(first, first) == ()


@given(st.sampled_from(PAIRS), st.data())
def test_every_hybrid_is_a_valid_environment(
    tmp_path_factory: pytest.TempPathFactory, pair: tuple[str, str], data: st.DataObject
) -> None:
    """Whatever is taken from the one into the other, the loader has nothing against the file that says so."""
    passing, failing = SHIPPED[pair[0]], SHIPPED[pair[1]]
    traits = differences(passing, failing)
    mixed = mix(passing, failing, data.draw(st.lists(st.sampled_from(traits), unique=True)))
    assert mistakes_of(mixed, tmp_path_factory.mktemp("mixed")) == []


@given(st.sampled_from(PAIRS), st.data())
def test_a_hybrid_has_a_name_of_its_own(pair: tuple[str, str], data: st.DataObject) -> None:
    """Two hybrids share a name only where they are the same; the sequence of the traits says nothing."""
    passing, failing = SHIPPED[pair[0]], SHIPPED[pair[1]]
    subsets = st.lists(st.sampled_from(differences(passing, failing)), unique=True)
    first, second = data.draw(subsets), data.draw(subsets)
    same = set(first) == set(second)
    assert (mix(passing, failing, first).name == mix(passing, failing, second).name) is same
    assert mix(passing, failing, first).name not in SHIPPED


def test_the_label_of_an_environment_is_a_trait_of_its_own() -> None:
    """What asks for the environment's name is found as ENVIRONMENT=staging, and not as staging."""
    traits = differences(SHIPPED["local"], SHIPPED["staging"])
    label = next(trait for trait in traits if trait.parts == (Part("setting", "ENVIRONMENT"),))
    assert str(label) == "ENVIRONMENT=staging"
    mixed = mix(SHIPPED["local"], SHIPPED["staging"], [label])
    assert mixed.settings == SHIPPED["local"].settings | {"ENVIRONMENT": "staging"}


def test_a_setting_that_takes_the_ingress_network_comes_with_the_ingress() -> None:
    """TRUSTED_PROXIES cannot take the network of an ingress that is not there."""
    traits = differences(SHIPPED["local"], SHIPPED["staging"])
    assert [str(trait) for trait in traits if Part("ingress") in trait.parts] == [
        "TRUSTED_PROXIES from ingress.network with ingress nginx over TLS"
    ]


def test_replicas_come_with_the_ingress_that_spreads_connections() -> None:
    """Two replicas without an ingress are no environment; with one on both sides they are a trait of their own."""
    together = differences(SHIPPED["local"], SHIPPED["production"])
    assert any({Part("ingress"), Part("platform", "replicas")} <= set(trait.parts) for trait in together)
    apart = differences(SHIPPED["staging"], SHIPPED["production"])
    assert Trait((Part("platform", "replicas"),), "platform.replicas=2") in apart


def test_behind_an_ingress_that_changes_nothing_each_of_its_properties_is_a_trait_of_its_own() -> None:
    """Replicas too, and who takes the ingress's network: nothing has to come with the ingress that is there already."""
    local, production = SHIPPED["local"], SHIPPED["production"]
    behind = carried(local, production)
    assert behind is not None
    traits = differences(behind, production)
    assert {trait.parts for trait in traits} >= {
        (Part("platform", "replicas"),),
        (Part("setting", "TRUSTED_PROXIES"),),
        (Part("ingress", "tls"),),
        (Part("ingress", "host"),),
        (Part("ingress", "idle_timeout_s"),),
        (Part("ingress", "max_body_bytes"),),
        (Part("ingress", "max_header_bytes"),),
    }
    assert mix(behind, production, traits).ingress == production.ingress


@given(st.sampled_from(["staging", "production"]), st.data())
def test_each_hybrid_behind_such_an_ingress_is_valid(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """With whichever of the traits, and with none."""
    behind = carried(SHIPPED["local"], SHIPPED[name])
    assert behind is not None
    chosen = data.draw(st.lists(st.sampled_from(differences(behind, SHIPPED[name])), unique=True))
    assert mistakes_of(mix(behind, SHIPPED[name], chosen), tmp_path_factory.mktemp("mixed")) == []


def test_such_an_ingress_is_only_where_there_is_none_and_the_other_has_one() -> None:
    """It keeps the environment's own host, and everything else of it."""
    local, staging = SHIPPED["local"], SHIPPED["staging"]
    assert carried(staging, local) is None
    assert carried(local, local) is None
    assert carried(staging, SHIPPED["production"]) is None
    own = msgspec.structs.replace(local, ingress=Ingress(host="dev.example"))
    behind = carried(own, staging)
    assert behind is not None
    assert (behind.ingress.kind, behind.ingress.host, behind.ingress.tls) == ("nginx", "dev.example", False)
    assert msgspec.structs.replace(behind, name=own.name, ingress=own.ingress) == own


def test_a_url_that_says_tls_comes_with_the_server_that_speaks_it() -> None:
    """A literal URL to a dependency moves with that dependency's TLS; one that the launcher makes follows by itself."""
    plain, tls = Dependency("redis"), Dependency("redis", tls="require", latency_ms=3)
    literal = differences(
        Environment("a", settings={"REDIS_URL": "redis://redis:6379/0"}, dependencies={"redis": plain}),
        Environment("b", settings={"REDIS_URL": "rediss://redis:6379/0"}, dependencies={"redis": tls}),
    )
    assert [str(trait) for trait in literal] == [
        "REDIS_URL=rediss://redis:6379/0 with redis.tls=require",
        "redis.latency_ms=3",
    ]
    made: dict[str, Setting] = {"REDIS_URL": FromSource("redis.url")}
    followed = differences(
        Environment("a", settings=made, dependencies={"redis": plain}),
        Environment("b", settings=made, dependencies={"redis": tls}),
    )
    assert [str(trait) for trait in followed] == ["redis.tls=require", "redis.latency_ms=3"]


def test_a_dependency_of_one_environment_brings_the_settings_that_take_from_it() -> None:
    """What `from = "cache.url"` means there cannot be had without the dependency."""
    traits = differences(
        Environment("a"),
        Environment("b", settings={"CACHE": FromSource("cache.url")}, dependencies={"cache": Dependency("redis")}),
    )
    assert [str(trait) for trait in traits] == ["CACHE from cache.url with dependency cache"]
    back = differences(
        Environment("b", settings={"CACHE": FromSource("cache.url")}, dependencies={"cache": Dependency("redis")}),
        Environment("a"),
    )
    assert [str(trait) for trait in back] == ["CACHE not set with no dependency cache"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_TOKEN", "abc-very-secret"),
        ("DB_PASSWORD", "abc-very-secret"),
        ("UPSTREAM", "https://user:abc-very-secret@example.org/"),
    ],
)
def test_a_secret_is_named_and_not_shown(name: str, value: str) -> None:
    """Also where somebody wrote it into the file."""
    traits = differences(Environment("a"), Environment("b", settings={name: value}))
    assert " and ".join(map(str, traits)) == name
    assert "abc-very" not in mix(Environment("a"), Environment("b", settings={name: value}), traits).description
    made = differences(Environment("a"), Environment("b", settings={"JWT": SecretOf(48)}))
    assert [str(trait) for trait in made] == ["JWT"]


def test_traits_are_said_in_the_words_of_the_file() -> None:
    """Whoever reads the cause finds it in the environment's file."""
    traits = differences(
        Environment("a", settings={"OLD": "1"}, ingress=Ingress("nginx")),
        Environment(
            "b",
            settings={"MODE": "strict"},
            platform=Platform(cpus=1, memory_mib=512, read_only_root=True),
            ingress=Ingress("nginx", idle_timeout_s=30),
            dependencies_first=False,
        ),
    )
    assert [str(trait) for trait in traits] == [
        "MODE=strict",
        "OLD not set",
        "platform.cpus=1",
        "platform.memory_mib=512",
        "platform.read_only_root=true",
        "ingress.idle_timeout_s=30",
        "dependencies_first=false",
    ]


PLATFORM = Ingress(
    "nginx",
    affinity="cookie",
    max_lifetime_s=300,
    forwarded_for="append",
    drop_headers=("authorization",),
    host_header="upstream",
    upgrade=False,
)


def test_each_thing_that_a_platform_s_ingress_does_is_a_trait_of_its_own() -> None:
    """And is said as the file says it."""
    traits = differences(Environment("a", ingress=Ingress("nginx")), Environment("b", ingress=PLATFORM))
    assert [str(trait) for trait in traits] == [
        "ingress.affinity=cookie",
        "ingress.max_lifetime_s=300",
        "ingress.forwarded_for=append",
        "ingress.drop_headers=authorization",
        "ingress.host_header=upstream",
        "ingress.upgrade=false",
    ]
    back = differences(Environment("b", ingress=PLATFORM), Environment("a", ingress=Ingress("nginx", forwarded=())))
    assert "ingress.forwarded=[] with ingress.forwarded_for=replace with ingress.drop_headers=[]" in map(str, back)


def test_a_prefix_comes_with_whether_it_is_stripped(tmp_path: Path) -> None:
    """And what is set with what is dropped: each half by itself is another ingress, or none that can be."""
    environment = Environment("a", ingress=Ingress("nginx"))
    other = Environment(
        "b",
        ingress=Ingress(
            "nginx", prefix="/chat", strip_prefix=True, forwarded=("for",), drop_headers=("x-forwarded-host",)
        ),
    )
    traits = differences(environment, other)
    assert [str(trait) for trait in traits] == [
        "ingress.prefix=/chat with ingress.strip_prefix=true",
        "ingress.forwarded=for with ingress.drop_headers=x-forwarded-host",
    ]
    for trait in traits:
        assert mistakes_of(mix(environment, other, [trait]), tmp_path) == []
    stripped = msgspec.structs.replace(other, ingress=msgspec.structs.replace(other.ingress, strip_prefix=False))
    assert [str(trait) for trait in differences(stripped, other)] == ["ingress.strip_prefix=true"]


def test_a_time_zone_is_a_trait_of_its_own() -> None:
    """But for a setting of the same name in the other environment, which would be overridden."""
    nepal = Environment("local", platform=Platform(timezone="Asia/Kathmandu"))
    assert [str(trait) for trait in differences(nepal, Environment("staging"))] == ["platform.timezone not set"]
    assert [str(trait) for trait in differences(Environment("staging"), nepal)] == ["platform.timezone=Asia/Kathmandu"]
    [both] = differences(Environment("staging", settings={"TZ": "UTC"}), nepal)
    assert both.parts == (Part("setting", "TZ"), Part("platform", "timezone"))
