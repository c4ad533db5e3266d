"""What upstream released: pinned facts, requests, the index, stock wheels, eras."""
