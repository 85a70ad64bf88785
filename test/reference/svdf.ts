/** SVDF with int8 activations (micro/kernels/svdf_common.cc): the fused activation is not applied there. */

import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { at, integerRange, type KernelCall, perTensor } from "./tensor_values.js";
import { numberOption } from "./window.js";

export function svdf({ operator, input: inputAt, optionalInput, output }: KernelCall): void {
  const [input, features, times, bias, state] = [
    inputAt(0),
    inputAt(1),
    inputAt(2),
    optionalInput(3),
    inputAt(4),
  ];
  const [batches = 0, width = 0] = input.shape;
  const [filters = 0, memory = 0] = times.shape;
  const rank = numberOption(operator.options, "rank");
  const units = filters / rank;
  const [lowest, highest] = integerRange[state.tensor.type === "int16" ? "int16" : "int8"];
  const scales = [input, features, times, state, output].map((values) => perTensor(values).scale);
  const [inputScale = 1, featureScale = 1, timeScale = 1, stateScale = 1, outputScale = 1] = scales;
  // Products and quotients of floats, each rounded to float.
  const toState = quantiseMultiplier(Math.fround(Math.fround(inputScale * featureScale) / stateScale));
  const toOutput = quantiseMultiplier(Math.fround(Math.fround(stateScale * timeScale) / outputScale));
  const inputZeroPoint = perTensor(input).zeroPoint;
  const stateZeroPoint = perTensor(state).zeroPoint;

  // The whole state moves one step; the last step of each filter is written over.
  state.numbers.copyWithin(0, 1);
  for (let batch = 0; batch < batches; batch++) {
    const sums = new Int32Array(units).map((_, unit) => (bias === null ? 0 : at(bias.numbers, unit)));
    for (let filter = 0; filter < filters; filter++) {
      let feature = 0;
      for (let index = 0; index < width; index++) {
        const value = at(input.numbers, batch * width + index) - inputZeroPoint;
        feature += value * at(features.numbers, filter * width + index);
      }
      const first = (batch * filters + filter) * memory;
      const latest = multiplyByQuantisedMultiplier(feature | 0, toState) + stateZeroPoint;
      state.numbers[first + memory - 1] = clamp(latest, lowest, highest);
      const unit = Math.floor(filter / rank);
      for (let step = 0; step < memory; step++) {
        const value = at(state.numbers, first + step) - stateZeroPoint;
        sums[unit] = at(sums, unit) + value * at(times.numbers, filter * memory + step);
      }
    }
    sums.forEach((sum, unit) => {
      const scaled = multiplyByQuantisedMultiplier(sum, toOutput) + perTensor(output).zeroPoint;
      output.numbers[batch * units + unit] = clamp(scaled, -128, 127);
    });
  }
}
