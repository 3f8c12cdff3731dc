"""The status page: who serves, since when and why, and whether it is still good. Server-rendered, without a script."""
