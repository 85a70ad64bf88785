"""Train the int8 motion model on simulated windows and write this folder's files.

    python examples/motion/simulate.py
    python examples/motion/train.py

The held-out frames are read back from `frames.csv`, as any other reader would.
They are used once, at the end: no layer, epoch or seed was chosen by looking at
them. The training windows come from the same physics with another seed.
"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import int8  # noqa: E402  (sets TensorFlow's environment, so it comes first)
import numpy as np  # noqa: E402
import simulate  # noqa: E402
import tensorflow as tf  # noqa: E402

SEED = 1126  # not simulate.SEED, which made the held-out frames
TRAINING = 4000
MORE_SEED, MORE = 11, 4000  # a second, larger test that is not committed
EPOCHS = 40
BATCH = 64


def load_held_out() -> tuple[np.ndarray, np.ndarray]:
    """Return the frames of `frames.csv`, float32 [N, 64, 1, 3] in g, and their labels."""
    table = np.loadtxt(FOLDER / "frames.csv", delimiter=",", skiprows=1)
    frames = table[:, 1:].reshape(-1, simulate.SAMPLES, 1, 3)
    return frames.astype(np.float32), table[:, 0].astype(np.int64)


def build_model() -> tf.keras.Model:
    """Build a small network that convolves along time: height is time, width is 1."""
    layers = tf.keras.layers

    def norm_relu6(x: tf.Tensor, name: str) -> tf.Tensor:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.ReLU(6.0, name=f"{name}_relu6")(x)

    def separable(x: tf.Tensor, channels: int, name: str) -> tf.Tensor:
        x = layers.DepthwiseConv2D(
            (5, 1), padding="same", use_bias=False, name=f"{name}_depthwise"
        )(x)
        x = norm_relu6(x, f"{name}_depthwise")
        x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pointwise")(x)
        return norm_relu6(x, f"{name}_pointwise")

    window = layers.Input((simulate.SAMPLES, 1, 3))
    x = layers.ZeroPadding2D(((2, 2), (0, 0)), name="pad")(window)
    x = layers.Conv2D(16, (5, 1), strides=(2, 1), use_bias=False, name="stem")(x)
    x = norm_relu6(x, "stem")
    x = separable(x, 24, "block1")
    x = layers.MaxPooling2D((2, 1), name="halve")(x)
    x = layers.Add(name="residual")([x, separable(x, 24, "block2")])
    x = separable(x, 32, "block3")
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D(name="average")(x))
    scores = layers.Dense(len(simulate.CLASSES), activation="softmax", name="scores")(x)
    return tf.keras.Model(window, scores, name="motion")


def fit(model: tf.keras.Model, frames: np.ndarray, labels: np.ndarray) -> None:
    """Train for a fixed number of epochs with a cosine learning rate."""
    steps = EPOCHS * -(-len(frames) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(tf.keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(frames, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0)


def main() -> None:
    """Simulate, train, quantise, write the files and print the report."""
    int8.make_deterministic(SEED)
    train_x, train_y = simulate.make_frames(TRAINING, SEED)
    test_x, test_y = load_held_out()
    model = build_model()
    fit(model, train_x, train_y)
    tflite = int8.convert(model, train_x[:1000])

    print(f"trained on {len(train_x)} frames, held out {len(test_x)}\n")
    int8.finish(FOLDER, model, tflite, test_x, test_y, list(simulate.CLASSES))

    more_x, more_y = simulate.make_frames(MORE, MORE_SEED)
    answers = int8.run_reference(tflite, more_x)[0].argmax(axis=1)
    print(int8.accuracy(f"\nint8 on {MORE} more windows", answers, more_y), end="\n\n")
    print(int8.confusion_table(more_y, answers, list(simulate.CLASSES)))


if __name__ == "__main__":
    main()
