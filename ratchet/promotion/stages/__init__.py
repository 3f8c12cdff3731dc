"""The stages of a promotion, a file each; ratchet/promotion/plan.py puts them in order."""
