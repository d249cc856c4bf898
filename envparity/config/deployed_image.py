"""The image that files of a deployment name, held against the backend's own."""

from __future__ import annotations

import msgspec

from envparity.model.backend import Backend
from envparity.model.environment import DeploymentNote, Environment, ImageSource

__all__ = ["with_fitting_image"]


def with_fitting_image(backend: Backend, environment: Environment) -> Environment:
    """That environment without an image of the deployment's files that is the backend's own, or cannot be in its place.

    An image by name is what was built and pushed at some time: where the backend's file says how to build it, what is
    built here is what is tested, and the name is a note. What the environment's own file says stays.
    """
    place, image = environment.places.get("image"), environment.image
    if place is None or image is None:
        return environment
    own = backend.image
    if _same(image, own):
        return msgspec.structs.replace(environment, image=None)
    if image.dockerfile is not None and image.dockerfile == own.dockerfile and image.context == own.context:
        return msgspec.structs.replace(environment, image=msgspec.structs.replace(image, include=own.include))
    if own.given and (image.name is None or own.name is not None):
        return environment
    why = "what the backend's file says is built in its place" if own.given else "the backend's file has no [image]"
    called = image.name or f"built from {image.dockerfile.name if image.dockerfile else 'a Dockerfile'}"
    note = DeploymentNote("image", f"{called}; {why}", place, known=True)
    return msgspec.structs.replace(environment, image=None, notes=(*environment.notes, note))


def _same(image: ImageSource, own: ImageSource) -> bool:
    """Whether both are one, whatever of the folder is sent."""
    return msgspec.structs.replace(image, include=()) == msgspec.structs.replace(own, include=())
