"""Files: reading and writing them whole, one run at a time, and saying what is wrong with them."""
