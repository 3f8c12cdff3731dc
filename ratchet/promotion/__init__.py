"""The promotion protocol: change what serves, or leave everything as it was."""
