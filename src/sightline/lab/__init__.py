"""The lab: topics of the books that are run and seen; one file a topic.

A topic's module defines `TOPIC`. It is imported when it is asked for; listing them loads none.
"""

TOPICS: dict[str, str] = {  # in the order of the chapters
    "image": "a photograph as an array: pixels, channels, and three ways to a square",
    "descriptors": "color statistics, histograms, HOG and LBP, and what they are worth as features",
    "knn": "k nearest neighbors: regions and accuracy from k = 1 to all",
    "linear": "scores of an image by random weights, the bias trick, and a chosen seed",
    "losses": "hinge, squared hinge and cross-entropy of scores, worked and drawn",
    "blobs": "gradient descent and SGD on two blobs, and losses that can be compared",
    "regularization": "L1, L2 and elastic net: what they do to weights and to accuracy",
    "bitwise": "AND, OR and XOR: a line that moves until it parts them, or never stops",
    "xor": "a 2-2-1 network that bends the plane until XOR is right, or sticks",
    "kernels": "blur, sharpen and find edges with nine numbers; our loops beside OpenCV's",
    "convolution": "a kernel moves over 5x5 numbers, place by place; sizes and costs of layers",
    "transpose-convolution": "filters placed on a larger output add up, and a checkerboard appears",
    "pooling": "what pooling drops and forgives; convolution in step with shifts, not with turns",
    "invariance": "digits turned, scaled and shifted under classifiers that know them upright",
    "rates": "schedules of the learning rate, and losses by a rate too low, right, too high",
    "capacity": "polynomials of degree 1, 2 and 9, and the error against the degree",
    "bias-variance": "many training sets: bias, variance and noise add up to the test error",
    "fits": "three networks on the same points: too little, good and too much fit",
    "estimators": "sample mean and the two sample variances: bias, standard error, consistency",
    "likelihood": "maximum likelihood, least KL divergence, squared error, and a prior as decay",
    "batches": "what an update costs: batches of 1, 16, 64 and all, by examples processed",
    "dimensions": "the curse of dimensionality: shells, distances, k-NN among idle numbers",
    "noise": "noise on inputs, weights and labels as regularizers, beside L2",
    "semi-supervised": "few labels: self-training and label spreading on moons and digits",
    "bagging": "the mean of k networks on bootstrap samples, and the formula for its error",
    "adversarial": "small steps against a linear model, chosen and by chance",
}
