"""What is drawn on an 8x8 image: edges in eight directions, and where they are. Plain numpy; nothing is learnt here."""

import numpy as np

SIDE = 8


def images(frame):
    """Return the pixels of a frame as an array of shape (rows, 8, 8), from 0 to 1.

    The columns are asked for by name, p00 to p77, so their order in the frame does not matter.
    """
    names = [f"p{row}{column}" for row in range(SIDE) for column in range(SIDE)]
    return frame[names].to_numpy(dtype=np.float64).reshape(-1, SIDE, SIDE) / 16.0


def edge_filters(width):
    """Return eight filters of 3x3, each of which answers to an edge of one direction.

    `width` is that of the bell which makes neighbours count less than the centre's row and column.
    """
    across, down = np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0])
    bell = np.exp(-(across**2 + down**2) / (2 * width**2))
    angles = np.arange(8) * np.pi / 4
    filters = [(np.cos(angle) * across + np.sin(angle) * down) * bell for angle in angles]
    return np.stack([kernel / np.abs(kernel).sum() for kernel in filters])


def convolve(pictures, filters):
    """Slide each filter over each image, with an empty border; shape (rows, filters, 8, 8)."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("nrcij,fij->nfrc", windows, filters)


def describe(pictures, width):
    """Return the features of images, of shape (rows, 136).

    Edges are summed over nine overlapping squares of 4x4, so that a stroke may lie a pixel to the side; the pixels follow.
    """
    edges = np.maximum(convolve(pictures, edge_filters(width)), 0.0)
    starts = range(0, SIDE - 3, 2)
    pooled = [edges[:, :, row : row + 4, column : column + 4].sum(axis=(2, 3)) for row in starts for column in starts]
    flat = np.concatenate([*pooled, pictures.reshape(len(pictures), -1)], axis=1)
    return flat
