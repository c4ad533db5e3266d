"""Tell TensorBoard's own page from any other."""

from __future__ import annotations

# In 2.0 and later, and in 1.x.
ROOT_ELEMENTS = (b"<tb-webapp", b"<tf-tensorboard")


def has_root_element(content: bytes) -> bool:
    """Whether a page has one of the elements that TensorBoard renders itself into."""
    return any(element in content for element in ROOT_ELEMENTS)
