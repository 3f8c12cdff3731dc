"""How a version is made, stored and scored."""
