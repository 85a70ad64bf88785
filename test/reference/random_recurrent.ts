/** Random layers with state: SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM. */

import type { TensorSpec } from "../model/model_builder.js";
import type { Random } from "../model/random.js";
import {
  int8Bytes,
  int8Quantisation,
  int32Bytes,
  type LayerSpec,
  nearbyScale,
  randomInt8,
  randomScale,
} from "./random_parts.js";

const symmetric = (scale: number) => ({ scales: [scale], zeroPoints: [0] });

/** SVDF whose sums stay within int32; its state has the type of its time weights. */
export function randomSvdf(random: Random): LayerSpec {
  const [batches, width, units] = [random.pick([1, 1, 2]), random.integer(1, 20), random.integer(1, 8)];
  const [rank, memory] = [random.integer(1, 3), random.integer(1, 8)];
  const filters = units * rank;
  const type = random.pick(["int8", "int16"] as const);
  const most = type === "int16" ? Math.floor(30000 / (rank * memory)) : 127;
  const times = Array.from({ length: filters * memory }, () => random.integer(-most, most));
  const data = type === "int16" ? Int16Array.from(times) : Int8Array.from(times);
  const [inputScale, featureScale, timeScale] = [-5, -7, type === "int16" ? -12 : -8].map((power) =>
    randomScale(random, power - 1, power + 1),
  ) as [number, number, number];
  const range = type === "int16" ? 32768 : 128;
  const typical = (5000 * Math.sqrt(width) * inputScale * featureScale) / range;
  const stateScale = nearbyScale(random, Math.fround(typical), 2);
  const sum = (range / 4) * (most / 2) * Math.sqrt(rank * memory) * stateScale * timeScale;
  const outputScale = nearbyScale(random, Math.fround(sum / 128), 2);
  const bias = random.chance(0.2)
    ? null
    : Array.from({ length: units }, () => random.integer(-50, 50) * Math.round(most * range * 0.01));
  const tensors: TensorSpec[] = [
    {
      name: "input",
      type: "int8",
      shape: [batches, width],
      quantisation: int8Quantisation(random, inputScale),
    },
    {
      name: "output",
      type: "int8",
      shape: [batches, units],
      quantisation: int8Quantisation(random, outputScale),
    },
    {
      name: "features",
      type: "int8",
      shape: [filters, width],
      data: int8Bytes(randomInt8(random, filters * width)),
      quantisation: symmetric(featureScale),
    },
    {
      name: "times",
      type,
      shape: [filters, memory],
      data: new Uint8Array(data.buffer),
      quantisation: symmetric(timeScale),
    },
    {
      name: "state",
      type,
      shape: [batches, filters * memory],
      isVariable: true,
      quantisation: type === "int8" ? int8Quantisation(random, stateScale) : symmetric(stateScale),
    },
  ];
  if (bias !== null) {
    const quantisation = symmetric(Math.fround(stateScale * timeScale));
    tensors.push({ name: "bias", type: "int32", shape: [units], data: int32Bytes(bias), quantisation });
  }
  return {
    tensors,
    inputs: [0, 2, 3, bias === null ? null : 5, 4],
    graphInputs: [0],
    output: 1,
    options: { rank, fusedActivation: random.pick(["NONE", "RELU"]) },
  };
}

/** An LSTM over a short sequence, batch or time first. */
export function randomLstm(random: Random): LayerSpec {
  const [batches, steps] = [random.pick([1, 1, 2, 3]), random.integer(1, 6)];
  const [width, units] = [random.integer(1, 14), random.integer(1, 9)];
  const timeMajor = random.chance(0.4);
  const outer = timeMajor ? [steps, batches] : [batches, steps];
  const inputScale = randomScale(random, -8, -4);
  const hidden = int8Quantisation(random, random.chance(0.5) ? 2 ** -7 : randomScale(random, -8, -6));
  const input = int8Quantisation(random, inputScale);
  const weights = (name: string, columns: number): TensorSpec => ({
    name,
    type: "int8",
    shape: [units, columns],
    data: int8Bytes(randomInt8(random, units * columns)),
    quantisation: symmetric(randomScale(random, -9, -4)),
  });
  const bias = (name: string): TensorSpec => ({
    name,
    type: "int32",
    shape: [units],
    data: int32Bytes(Array.from({ length: units }, () => random.integer(-20000, 20000))),
  });
  const gates = ["input", "forget", "cell", "output"];
  const tensors: TensorSpec[] = [
    { name: "input", type: "int8", shape: [...outer, width], quantisation: input },
    { name: "output", type: "int8", shape: [...outer, units], quantisation: hidden },
    ...gates.map((gate) => weights(`input to ${gate}`, width)),
    ...gates.map((gate) => weights(`recurrent to ${gate}`, units)),
    ...gates.map((gate) => bias(`${gate} bias`)),
    { name: "hidden", type: "int8", shape: [batches, units], isVariable: true, quantisation: hidden },
    {
      name: "cell",
      type: "int16",
      shape: [batches, units],
      isVariable: true,
      quantisation: symmetric(2 ** -random.integer(9, 15)),
    },
  ];
  const none = (count: number) => new Array<null>(count).fill(null);
  return {
    tensors,
    // Peepholes, a projection and layer normalisation are left out.
    inputs: [0, 2, 3, 4, 5, 6, 7, 8, 9, ...none(3), 10, 11, 12, 13, ...none(2), 14, 15, ...none(4)],
    graphInputs: [0],
    output: 1,
    options: { fusedActivation: "TANH", cellClip: random.pick([0, 0, 1.5, 3, 10]), timeMajor },
  };
}
