"""How long does it take to score a file of millions of rows, and how much memory?"""
