/** BATCH_MATMUL, int8, batches broadcast, either side transposed on demand. The scales' product is float32. */

import { broadcast } from "./elementwise.js";
import { clamp, multiplyByQuantisedMultiplier, quantiseMultiplier } from "./fixed_point.js";
import { at, type KernelCall, perTensor, type Values } from "./tensor_values.js";

export function batchMatmul({ operator, input, output }: KernelCall): void {
  const { adjointLeft, adjointRight } = operator.options.fields;
  const rank = output.shape.length;
  const rows = at(output.shape, rank - 2);
  const columns = at(output.shape, rank - 1);
  const batches = output.shape.slice(0, -2);
  const left = matrices(input(0), batches, adjointLeft === true);
  const right = matrices(input(1), batches, adjointRight === true);
  const to = perTensor(output);
  const product = Math.fround(perTensor(input(0)).scale * perTensor(input(1)).scale);
  const multiplier = quantiseMultiplier(product / to.scale);
  output.numbers.forEach((_, index) => {
    const batch = Math.floor(index / (rows * columns));
    const row = Math.floor(index / columns) % rows;
    const column = index % columns;
    let sum = 0;
    for (let k = 0; k < left.columns; k++) sum += left.value(batch, row, k) * right.value(batch, k, column);
    const scaled = multiplyByQuantisedMultiplier(sum, multiplier) + to.zeroPoint;
    output.numbers[index] = clamp(scaled, -128, 127);
  });
}

/** One side as matrices [rows, columns] by batch of the output, real zeros at 0. */
function matrices(values: Values, batches: readonly number[], transposed: boolean) {
  const rank = values.shape.length;
  const [height, width] = [at(values.shape, rank - 2), at(values.shape, rank - 1)];
  const position = broadcast(values.shape.slice(0, -2), batches);
  const { zeroPoint } = perTensor(values);
  return {
    columns: transposed ? height : width,
    value(batch: number, row: number, column: number): number {
      const [y, x] = transposed ? [column, row] : [row, column];
      return at(values.numbers, (position(batch) * height + y) * width + x) - zeroPoint;
    },
  };
}
