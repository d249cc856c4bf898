"""Orders as mathematics: the component graph, its linear extensions, and covering sets of them. Pure.

`graph` is what has orders, `extensions` counts and draws them, `covering` makes sets that cover, `strategy` is for
Hypothesis. Nothing is imported here: who only asks whether one step must precede another needs no matrices.
"""
