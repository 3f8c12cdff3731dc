"""Where reports for people go, and what is in them."""
