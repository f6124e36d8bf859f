"""The engine, the images to start from, and a checkout to build in."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.containers import engine


@pytest.fixture(scope="package")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """An engine behind DOCKER_HOST; the folder of packages to build with, None where builds fetch them themselves."""
    if engine.answers():
        yield None if engine.has_images() else _made_here()
        return
    scratch = tmp_path_factory.mktemp("engine")
    with engine.own(scratch) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", address)
        yield _made_here()


def _made_here() -> Path:
    """What deploy/base-images makes; once for each lock."""
    lock = (engine.ROOT / "deploy" / "requirements.lock").read_bytes()
    kept = engine.KEPT / hashlib.sha256(lock).hexdigest()[:12]
    kept.mkdir(exist_ok=True)
    engine.run("deploy/base-images", str(kept))
    return kept / "wheels"


@pytest.fixture(scope="package")
def checkout(images: Path | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are or will be committed, as they are now, and nothing else that lies about here."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in engine.run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source = engine.ROOT / name
        if source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    if images is not None:
        shutil.copytree(images, folder / "wheels", copy_function=os.link)
    return folder


@pytest.fixture(scope="package")
def built(checkout: Path) -> str:
    """Our image, built by the compose file; its name."""
    engine.run(*engine.compose(), "build", "worker", cwd=checkout)
    return "ledgerstream:local"
