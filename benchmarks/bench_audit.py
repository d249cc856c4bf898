"""How long `envparity audit` takes for a package of many modules, and what of it is the plain import of each.

The package is made for it: modules in packages of twenty, each importing a few earlier ones of its own and some of the
standard library, with classes, functions and an async handler, as a backend has them. The alternative that it is
measured against is a new interpreter for each module (`python -c "import …"`), taken from a sample of them in the same
run.

    python benchmarks/bench_audit.py [--modules 2000] [--sample 20]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_LIBRARY = ("asyncio", "json", "logging", "dataclasses", "typing", "datetime", "uuid", "re")
_IN_PACKAGE = 20
_SEED = 20250908

MODULE = '''"""Module {number} of a package that was made."""

from __future__ import annotations

{imports}

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Record{number}:
    """What it holds."""

    name: str
    values: tuple[int, ...] = ()

    def total(self) -> int:
        return sum(self.values)


class Manager{number}:
    def __init__(self, record: Record{number}) -> None:
        self.record = record

    async def handle(self, message: dict[str, object]) -> str:
        await asyncio.sleep(0)
        return json.dumps({{"record": self.record.name, "message": message}})


def made(name: str) -> Manager{number}:
    return Manager{number}(Record{number}(name))
'''


def make(folder: Path, modules: int) -> Path:
    """A package `made` of so many modules below that folder. Deterministic."""
    draw = random.Random(_SEED)  # noqa: S311  no secret
    names: list[str] = []
    root = folder / "made"
    for number in range(modules):
        package = root / f"part{number // _IN_PACKAGE:03}"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
        imports = [
            f"import {name}"
            for name in sorted({"asyncio", "dataclasses", "json", "logging", *draw.sample(_LIBRARY, 2)})
        ]
        near = names[:_IN_PACKAGE] + names[-_IN_PACKAGE:]  # the core, and its neighbours
        imports += [f"import made.{name}" for name in sorted({*draw.sample(near, min(len(near), 3))})]
        name = f"part{number // _IN_PACKAGE:03}.module{number:04}"
        (root / f"{name.replace('.', '/')}.py").write_text(
            MODULE.format(number=number, imports="\n".join(imports)), encoding="utf-8"
        )
        names.append(name)
    (root / "__init__.py").touch()
    return root


def main() -> None:
    """Print one line of JSON: seconds by the clock and of the processor, and the ratio to the alternative."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--modules", type=int, default=2000)
    parser.add_argument("--sample", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = make(Path(folder), asked.modules)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        command = [sys.executable, "-m", "envparity", "audit", str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        audit_s = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        names = sorted(
            ".".join(path.relative_to(root.parent).with_suffix("").parts) for path in root.rglob("module*.py")
        )
        began = time.monotonic()
        for name in random.Random(_SEED).sample(names, asked.sample):  # noqa: S311  no secret
            subprocess.run([sys.executable, "-B", "-c", f"import {name}"], cwd=folder, check=True)
        each_s = (time.monotonic() - began) / asked.sample
    print(done.stdout.splitlines()[-1] if done.stdout else done.stderr)
    result = {
        "modules": asked.modules,
        "audit_s": round(audit_s, 1),
        "processor_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "new_interpreter_each_s": round(each_s * asked.modules, 1),
        "ratio": round(each_s * asked.modules / audit_s, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
