"""What people and machines start: commands, pages, exporter, watcher, demo."""
