"""Simulate a three-axis accelerometer on a wrist and write `frames.csv`.

    python examples/motion/simulate.py

An accelerometer does not measure acceleration. It measures *specific force*:
the acceleration of its case minus gravity, seen in its own turning axes. So a
resting sensor reads 1 g upwards, and a turning one sees that 1 g wander from
axis to axis. For every window of 64 samples at 50 Hz this module

1. draws an orientation, and how it changes in time;
2. draws the motion of the wrist in the room, in g;
3. turns "motion minus gravity" into the sensor's axes;
4. adds what a real part adds: axis gain, bias, noise, limited range, 12 bits.

World axes are x forward, y left, z up. Every parameter is drawn anew for each
window; the ranges are in the functions below, next to what they mean.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.random import Generator

FOLDER = Path(__file__).resolve().parent
CLASSES = ("still", "walking", "shaking", "turning")
SEED = 2026
HELD_OUT = 240

RATE = 50.0  # samples per second
SAMPLES = 64  # 1.28 s
STANDARD_GRAVITY = 9.80665  # m/s²
RANGE = 2.0  # g, either way
STEP = 2 * RANGE / 4096  # g, one code of a 12-bit converter

TIME = np.arange(SAMPLES) / RATE


def unit_vector(rng: Generator) -> np.ndarray:
    """Draw a direction, uniform over the sphere."""
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def rotations(axis: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Return the rotation matrices [N, 3, 3] about one axis (Rodrigues' formula)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sine, cosine = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return np.eye(3) + sine * cross + (1 - cosine) * (cross @ cross)


def tremor(rng: Generator) -> np.ndarray:
    """Physiological tremor of a living arm: 8 to 12 Hz, 1 to 12 mg, any direction."""
    phase = 2 * np.pi * (rng.uniform(8, 12) * TIME + rng.uniform())
    return rng.uniform(0.001, 0.012) * np.sin(phase)[:, None] * unit_vector(rng)


def still(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rest: tremor, a slow sway of up to 4 degrees, and one bump in three windows.

    The bump (a table knocked, a pen put down) is a ringing of 6 to 20 Hz that
    dies away within a few hundredths to tenths of a second.
    """
    sway = np.radians(rng.uniform(0, 4)) * np.sin(
        2 * np.pi * (rng.uniform(0.1, 0.6) * TIME + rng.uniform())
    )
    motion = tremor(rng)
    if rng.uniform() < 1 / 3:
        since = TIME - rng.uniform(0, TIME[-1])
        ringing = np.sin(2 * np.pi * rng.uniform(6, 20) * since)
        decay = np.exp(-np.maximum(since, 0) / rng.uniform(0.02, 0.12)) * (since >= 0)
        motion += rng.uniform(0.03, 0.6) * (ringing * decay)[:, None] * unit_vector(rng)
    return motion, rotations(unit_vector(rng), sway)


def walking(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Gait: harmonics of the step rate, heel strikes, and the swing of the arm.

    The body bobs once per step (1.4 to 2.4 Hz); pushing forward does the same, a
    little later; swaying left and right takes two steps. Each heel strike sends
    a jolt that dies in 20 to 50 ms. The arm is a pendulum of 0.5 to 0.7 m that
    swings once in two steps, by 2 degrees (hand in a pocket) to 20: it tilts the
    sensor, and moves it along its arc and towards the shoulder.
    """
    cadence = rng.uniform(1.4, 2.4)
    steps = cadence * TIME + rng.uniform()
    effort = rng.uniform(0.5, 1.2) * (cadence / 1.9) ** 2  # a faster step is a harder one

    def wave(order: float, low: float, high: float) -> np.ndarray:
        lag = rng.uniform(-0.1, 0.1)
        return effort * rng.uniform(low, high) * np.sin(2 * np.pi * (order * steps + lag))

    up = wave(1, 0.12, 0.32) + wave(2, 0.04, 0.16) + wave(3, 0.01, 0.06)
    forward = wave(1, 0.06, 0.18) + wave(2, 0.02, 0.08)
    left = wave(0.5, 0.03, 0.12) + wave(1.5, 0.01, 0.04)
    since_strike = (steps % 1) / cadence
    jolt = effort * rng.uniform(0.05, 0.4) * np.exp(-since_strike / rng.uniform(0.02, 0.05))

    phase, omega = np.pi * (steps + rng.uniform(0, 2)), np.pi * cadence
    reach, length = np.radians(rng.uniform(2, 20)), rng.uniform(0.5, 0.7) / STANDARD_GRAVITY
    swing = reach * np.sin(phase)  # positive forward
    along = -length * omega**2 * swing
    inwards = length * (omega * reach * np.cos(phase)) ** 2
    forward += along * np.cos(swing) - inwards * np.sin(swing) - 0.4 * jolt
    up += along * np.sin(swing) + inwards * np.cos(swing) + jolt

    motion = np.stack([forward, left, up], axis=1) + tremor(rng)
    return motion, rotations(np.array([0.0, -1.0, 0.0]), swing)


def shaking(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """A hand shaken to and fro at 2.2 to 6.5 Hz, 0.2 to 1.6 g at the peak.

    The forearm, 0.2 to 0.3 m, turns about the elbow. So the wrist moves on an
    arc: to and fro along one line, pulled towards the elbow twice per cycle, and
    rocked by the angle of the arc. The stroke is not a pure sine (third
    harmonic), the rhythm drifts, the strength swells, and one window in three
    catches the shaking as it starts or stops.
    """
    rate = rng.uniform(2.2, 6.5)
    drift = rng.uniform(-0.15, 0.15) * rate * TIME**2 / TIME[-1]
    phase = 2 * np.pi * (rate * TIME + drift + rng.uniform())
    swell = np.sin(2 * np.pi * (rng.uniform(0.3, 1) * TIME + rng.uniform()))
    strength = np.exp(rng.uniform(np.log(0.2), np.log(1.6))) * (1 + rng.uniform(0, 0.3) * swell)
    if rng.uniform() < 1 / 3:
        edge = 1 / (1 + np.exp(-(TIME - rng.uniform(0.2, 0.6) * TIME[-1]) / 0.04))
        strength = strength * (edge if rng.uniform() < 0.5 else edge[::-1])

    along = unit_vector(rng)
    inwards = np.cross(along, unit_vector(rng))
    inwards /= np.linalg.norm(inwards)
    arc = strength * STANDARD_GRAVITY / (2 * np.pi * rate) ** 2 / rng.uniform(0.2, 0.3)  # rad
    line = np.sin(phase) + rng.uniform(0, 0.3) * np.sin(3 * phase)
    motion = (strength * line)[:, None] * along
    motion += (strength * arc * np.cos(phase) ** 2)[:, None] * inwards
    return motion + tremor(rng), rotations(np.cross(inwards, along), arc * np.sin(phase))


def turning(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """One turn of the wrist by 20 to 170 degrees in 0.4 to 1.4 s.

    Hands turn with the least possible jerk, which is the quintic below. A sensor
    1 to 6 cm from the axis also feels the turn itself: inwards by radius times
    speed squared, and along its path by radius times angular acceleration.

    A turn about the vertical leaves gravity where it was; then only these small
    forces tell it from rest. That is physics, and no model can do much about it.
    """
    total = np.radians(rng.uniform(20, 170))
    duration = rng.uniform(0.4, 1.4)
    start = rng.uniform(-0.4 * duration, TIME[-1] - 0.6 * duration)
    s = np.clip((TIME - start) / duration, 0, 1)
    angle = total * (10 * s**3 - 15 * s**4 + 6 * s**5)
    speed = total / duration * 30 * s**2 * (1 - s) ** 2
    change = total / duration**2 * 60 * s * (1 - s) * (1 - 2 * s)

    axis = unit_vector(rng)
    arm = np.cross(axis, unit_vector(rng))
    arm *= rng.uniform(0.01, 0.06) / np.linalg.norm(arm)
    turn = rotations(axis, angle)
    outwards = turn @ arm
    motion = change[:, None] * np.cross(axis, outwards) - speed[:, None] ** 2 * outwards
    return motion / STANDARD_GRAVITY + tremor(rng), turn


def measure(motion: np.ndarray, attitude: np.ndarray, rng: Generator) -> np.ndarray:
    """Return what the part reports, in g: [64, 3], rounded to 4 decimals.

    `motion` is the acceleration in the room, [64, 3] in g; `attitude` turns the
    sensor's axes into the room's, [64, 3, 3], up to how the part was mounted.
    Noise is 1 to 5 mg, bias up to 40 mg, gain within 2 %, on each axis.
    """
    mounting = rotations(unit_vector(rng), rng.uniform(0, 2 * np.pi, 1))[0]
    specific_force = motion + np.array([0.0, 0.0, 1.0])
    sensed = np.einsum("tji,tj->ti", attitude, specific_force) @ mounting
    sensed = sensed * rng.uniform(0.98, 1.02, 3) + rng.uniform(-0.04, 0.04, 3)
    sensed += rng.normal(scale=rng.uniform(0.001, 0.005), size=sensed.shape)
    codes = np.clip(np.rint(sensed / STEP), -2048, 2047)
    return np.round(codes * STEP, 4)


def make_frames(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` windows, float32 [count, 64, 1, 3] in g, and their labels.

    The classes are balanced and in random order.
    """
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % len(CLASSES))
    kinds = (still, walking, shaking, turning)
    frames = [measure(*kinds[label](rng), rng) for label in labels]
    return np.stack(frames).astype(np.float32)[:, :, None, :], labels


def main() -> None:
    """Write the held-out frames: the label, then x, y, z of every sample, in g."""
    frames, labels = make_frames(HELD_OUT, SEED)
    columns = [f"{axis}{n}" for n in range(SAMPLES) for axis in "xyz"]
    lines = [",".join(["label", *columns])]
    for label, frame in zip(labels, frames):
        lines.append(f"{label}," + ",".join(f"{value:.4f}" for value in frame.ravel()))
    (FOLDER / "frames.csv").write_text("\n".join(lines) + "\n")
    print(f"wrote {len(frames)} frames of {len(columns)} values to frames.csv")


if __name__ == "__main__":
    main()
