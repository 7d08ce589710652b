"""Models are data: a spec in, a judged bundle out. Marts are read, candidates compete on the past, and the floor wins ties.

    spec -> assemble -> train (recommenders, evaluate) -> promote -> bundle -> recommend

Nothing is imported here: serving takes `bundle` and `recommend`, which need numpy alone, and never what training needs.
"""
