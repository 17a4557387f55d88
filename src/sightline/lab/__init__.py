"""The lab: topics of the books that are run and seen; one file a topic.

A topic's module defines `TOPIC`. It is imported when it is asked for; listing them loads none.
"""

TOPICS: dict[str, str] = {  # in the order of the chapters
    "landscape": "valleys of a curve, and the loss around a trained network",
    "activations": "what a unit passes on, its slope, and where it stops learning",
    "forward-pass": "a 2-2-1 network by hand: every number forward, backward and after a step",
    "xor": "a 2-2-1 network that bends the plane until XOR is right, or sticks",
    "initialization": "activations through ten layers, by how weights start",
    "gradient-check": "a right gradient and three bugs, by the step of the differences",
    "ewa": "running averages of daily temperatures, and their first days put right",
    "optimizers": "eight rules, from SGD to Nadam, on their way down four surfaces",
    "batch-norm": "what a layer is fed while it learns, with batch norm and without",
}
