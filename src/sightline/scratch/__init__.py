"""Every learner of the books in NumPy, one lesson a file, each readable alone beside its chapter.

The contract of a learner: its constructor stores settings and nothing else; `fit(X, y)` returns
the learner; learned names end in `_`; `predict(X)` and `score(X, y)`, and `predict_proba(X)` where
there is one; `state()` is a dict of arrays that `load_state` takes back. X is (n, features), y is
(n,) whole numbers from 0 up. The same seed and data give the same bits.
"""

from sightline.scratch.descent import DescentClassifier
from sightline.scratch.layered import LayeredNetwork
from sightline.scratch.neighbors import KNeighbors
from sightline.scratch.network import ConvNet
from sightline.scratch.neural_network import NeuralNetwork
from sightline.scratch.perceptron import Perceptron
from sightline.scratch.regression import LogisticRegression, SoftmaxRegression
from sightline.scratch.svm import LinearSVM

LEARNERS: dict[str, type] = {
    "convnet": ConvNet,
    "descent": DescentClassifier,
    "knn": KNeighbors,
    "layered-network": LayeredNetwork,
    "linear-svm": LinearSVM,
    "logistic-regression": LogisticRegression,
    "neural-network": NeuralNetwork,
    "perceptron": Perceptron,
    "softmax-regression": SoftmaxRegression,
}
