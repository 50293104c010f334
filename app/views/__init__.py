"""One thin class for each tab: it lays out, binds controls to the state, and hands data to figures."""
