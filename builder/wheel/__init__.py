"""Read, rewrite and write wheels as bytes in memory; they are never unpacked to disk."""
