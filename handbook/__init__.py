"""The docs site's reference pages, made from the code while the site is built (`make docs`); the other pages are in docs/."""
