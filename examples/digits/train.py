"""Train the int8 digits model and write everything in this folder.

    python examples/digits/train.py

The data ships with scikit-learn, so nothing is downloaded. The held-out frames
are used once, at the end: no layer, epoch or seed was chosen by looking at them.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import int8  # noqa: E402  (sets TensorFlow's environment, so it comes first)
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402

SEED = 2026
HELD_OUT = 360
EPOCHS = 60
BATCH = 32
FULL_INK = 16.0  # load_digits counts 0 to 16 dark pixels per cell
LARGEST_CODE = 255 / 256  # calibrating to this makes the input scale exactly 1/256


def load_frames() -> tuple[np.ndarray, np.ndarray]:
    """Return the frames, float32 [1797, 8, 8, 1] between 0 and 1, and their labels."""
    digits = load_digits()
    frames = (digits.images / FULL_INK).astype(np.float32)[..., None]
    return frames, digits.target.astype(np.int64)


def build_model() -> tf.keras.Model:
    """Build a small separable network with one residual connection."""
    layers = tf.keras.layers

    def norm_relu(x: tf.Tensor, name: str) -> tf.Tensor:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    def separable(x: tf.Tensor, channels: int, name: str) -> tf.Tensor:
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
        x = norm_relu(x, f"{name}_depthwise")
        x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")(x)
        return norm_relu(x, f"{name}_pointwise")

    frame = layers.Input((8, 8, 1))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(frame)
    x = norm_relu(x, "stem")
    x = separable(x, 32, "block1")
    x = layers.MaxPooling2D(2, name="halve")(x)
    x = layers.Add(name="residual")([x, separable(x, 32, "block2")])
    x = layers.AveragePooling2D(2, name="average")(x)
    x = layers.Dropout(0.3)(layers.Flatten(name="flatten")(x))
    scores = layers.Dense(10, activation="softmax", name="scores")(x)
    return tf.keras.Model(frame, scores, name="digits")


def fit(model: tf.keras.Model, frames: np.ndarray, labels: np.ndarray) -> None:
    """Train for a fixed number of epochs with a cosine learning rate."""
    steps = EPOCHS * -(-len(frames) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(tf.keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(frames, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0)


def main() -> None:
    """Split, train, quantise, write the files and print the report."""
    int8.make_deterministic(SEED)
    frames, labels = load_frames()
    train_x, test_x, train_y, test_y = train_test_split(
        frames, labels, test_size=HELD_OUT, stratify=labels, random_state=SEED
    )
    model = build_model()
    fit(model, train_x, train_y)
    tflite = int8.convert(model, np.minimum(train_x, LARGEST_CODE))

    np.save(FOLDER / "frames.npy", test_x)
    np.savetxt(FOLDER / "labels.csv", test_y, "%d", header="label", comments="")
    print(f"trained on {len(train_x)} frames, held out {len(test_x)}\n")
    int8.finish(FOLDER, model, tflite, test_x, test_y, [str(n) for n in range(10)])


if __name__ == "__main__":
    main()
