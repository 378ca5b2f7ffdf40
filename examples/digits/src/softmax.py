"""A linear classifier of many classes, fitted by gradient descent with momentum. Plain numpy."""

import numpy as np


def probabilities(features, weights, bias):
    """Return the probability of each class, of shape (rows, classes)."""
    scores = features @ weights + bias
    scores -= scores.max(axis=1, keepdims=True)
    raised = np.exp(scores)
    return raised / raised.sum(axis=1, keepdims=True)


def fit(features, wanted, seed, *, epochs, batch, rate, decay):
    """Return weights of shape (features, classes) and a bias a class.

    `wanted` holds a one in the column of each row's class. The rows are dealt into batches anew in every epoch, by `seed`;
    `decay` pulls the weights towards zero.
    """
    random = np.random.default_rng(seed)
    weights, bias = np.zeros((features.shape[1], wanted.shape[1])), np.zeros(wanted.shape[1])
    weights_pace, bias_pace = np.zeros_like(weights), np.zeros_like(bias)
    for epoch in range(epochs):
        step = rate * (1 - epoch / epochs)
        order = random.permutation(len(features))
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            error = (probabilities(features[rows], weights, bias) - wanted[rows]) / len(rows)
            weights_pace = 0.9 * weights_pace - step * (features[rows].T @ error + decay * weights)
            bias_pace = 0.9 * bias_pace - step * error.sum(axis=0)
            weights, bias = weights + weights_pace, bias + bias_pace
    return weights, bias
