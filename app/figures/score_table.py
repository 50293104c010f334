def score_table(tables, emulator, *, dark):
    return "<p>table</p>"
