"""TensorBoard's own page: how it is told from any other."""

from __future__ import annotations

# Of 2.0 and later, and of 1.x.
ROOT_ELEMENTS = (b"<tb-webapp", b"<tf-tensorboard")


def has_root_element(content: bytes) -> bool:
    """Whether a page has one of the elements that TensorBoard draws itself in."""
    return any(element in content for element in ROOT_ELEMENTS)
