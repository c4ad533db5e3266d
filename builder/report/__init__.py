"""One page for all results: releases by deployments, with the pictures."""
