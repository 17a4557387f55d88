"""The lab: topics of the books that are run and seen; one file a topic.

A topic's module defines `TOPIC`. It is imported when it is asked for; listing them loads none.
"""

TOPICS: dict[str, str] = {  # in the order of the chapters
    "knn": "k nearest neighbors: regions and accuracy from k = 1 to all",
    "linear": "scores of an image by random weights, the bias trick, and a chosen seed",
    "losses": "hinge, squared hinge and cross-entropy of scores, worked and drawn",
    "blobs": "gradient descent and SGD on two blobs, and losses that can be compared",
    "regularization": "L1, L2 and elastic net: what they do to weights and to accuracy",
    "bitwise": "AND, OR and XOR: a line that moves until it parts them, or never stops",
    "xor": "a 2-2-1 network that bends the plane until XOR is right, or sticks",
    "rates": "schedules of the learning rate, and losses by a rate too low, right, too high",
}
