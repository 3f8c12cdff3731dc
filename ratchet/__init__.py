"""Ratchet: continuous training that decides right. The library behind components, pipelines and serving."""
