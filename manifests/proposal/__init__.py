"""From a plan's changes to edits of files with their proof."""
