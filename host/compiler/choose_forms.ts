/**
 * Which kernel form each layer takes. Opcodes are what an inference costs; what a form takes beside them is RAM: its
 * scratch while the layer runs, and its code (WAMR keeps about twice the Wasm in RAM), so layers share kernels.
 */
import type { Graph } from "../model/graph.js";
import type { Aim } from "./aims.js";
import { estimateArena } from "./arena_estimate.js";
import { type Arrangement, alignment, arrange } from "./arrange.js";
import type { BoundForm, BoundLayer } from "./layer.js";
import { type Costs, pickForms } from "./pick_forms.js";
import { assignStorage, type Storage } from "./storage.js";

export interface Choice {
  readonly forms: readonly BoundForm[];
  readonly storage: Storage;
  readonly plan: Arrangement;
  /** Forms of each layer that fitted the RAM; null where that was not asked. */
  readonly offered: readonly (readonly BoundForm[])[] | null;
}

const memoryStep = 4096;
/** What may be spent on top of the linear memory that the plain kernels need, rounded up to 4 KiB, step by step, */
const steps = [4096, 8192, 16_384, 32_768, 65_536, 131_072, Number.POSITIVE_INFINITY];
/** where each 4 KiB leave no more than this share of the opcodes: RAM that hardly saves anything is better left free. */
const worthOfStep = { balanced: 0.96, speed: 0.99 };

/**
 * `balanced` takes another generated kernel only if it saves opcodes as it takes RAM: code worth a hundredth of the linear
 * memory has to save two thirds of a hundredth of the opcodes (a byte of code is two of RAM in WAMR). `speed` asks for a
 * fraction of that: without it, kernels of 40 KB would save a hundredth. No board has so little RAM that linear memory
 * below the second figure tells anything.
 */
const shareOfCode = { balanced: 0.65, speed: 0.046 };
const leastMemory = 16_384;
/** Small models hardly have opcodes to save: at least so many a byte. */
const opcodesOfByte = { balanced: 4, speed: 0.24 };

/** Rounds of tightening where the planner does not reach what was hoped for. */
const mostRounds = 6;

/** Plans the memory of given forms. */
export function planForms(graph: Graph, layers: readonly BoundLayer[], forms: readonly BoundForm[]): Choice {
  const planned = (overlaid: boolean): Choice => {
    const storage = assignStorage(graph, layers, forms, overlaid);
    return { forms, storage, plan: arrange(storage.buffers), offered: null };
  };
  const choice = planned(true);
  if (choice.storage.within.size === 0) return choice;
  const apart = planned(false);
  return choice.plan.bytes < apart.plan.bytes ? choice : apart;
}

/**
 * Chooses forms, and plans the memory with them.
 * @param limitBytes linear memory that the board can give
 * @returns what the smallest module may be one of, which only Binaryen can tell; of another aim one
 */
export function chooseForms(
  graph: Graph,
  layers: readonly BoundLayer[],
  { optimization, codePrice, flashPrice }: Aim,
  limitBytes: number,
): [Choice, ...Choice[]] {
  const plainForms = layers.map(plainForm);
  const plain = planForms(graph, layers, plainForms);
  if (codePrice === null) return [plain];
  const alive = aliveWithoutScratch(plain.storage, layers.length);
  const needed = layers.map(({ forms }, layer) =>
    forms.map((form) => scratchBytes(form) - spared(plain.storage, form, layer) + (alive[layer] ?? 0)),
  );
  const pick = pickOnce(graph, layers, plainForms);
  const within = (budget: number, costs: Costs): Choice => {
    let hoped = budget;
    for (let round = 0; round < mostRounds; round++) {
      const offered = layers.map(({ forms }, layer) =>
        forms.filter((_, index) => (needed[layer]?.[index] ?? 0) <= hoped),
      );
      const found = pick(offered, costs);
      if (found.plan.bytes <= budget) return { ...found, offered };
      hoped -= found.plan.bytes - budget;
    }
    return plain;
  };
  const least = memoryOf(plain);
  const most = optimization === "speed" ? limitBytes : Math.min(limitBytes, arenaLimit(graph, plain));
  if (optimization === "size")
    return different([plain, ...moduleCosts(layers).map((costs) => within(most, costs))]);
  const ofForm = opcodesAnd(flashPrice);
  const priced = (budget: number): Choice => {
    const quickest = within(budget, { ofForm, ofCodeByte: flashPrice });
    const memory = Math.max(leastMemory, memoryOf(quickest));
    const price = Math.max(
      opcodesOfByte[optimization],
      (shareOfCode[optimization] * opcodesOf(quickest)) / memory,
    );
    return within(budget, { ofForm, ofCodeByte: codePrice * price + flashPrice });
  };
  let best = priced(Math.min(limitBytes, least));
  for (const step of steps) {
    const more = priced(Math.min(most, least + step));
    const taken = (memoryOf(more) - memoryOf(best)) / memoryStep;
    if (opcodesOf(more) <= opcodesOf(best) * worthOfStep[optimization] ** Math.max(1, taken)) best = more;
    if (least + step >= most) break;
  }
  return [best];
}

/** Picks and plans; larger budgets often offer nothing new. More budget offers more, so counts tell what is offered. */
function pickOnce(graph: Graph, layers: readonly BoundLayer[], plainForms: readonly BoundForm[]) {
  const known = new Map<Costs["ofForm"], Map<string, Choice>>();
  return (offered: readonly (readonly BoundForm[])[], costs: Costs): Choice => {
    const ofCosts = known.get(costs.ofForm) ?? new Map<string, Choice>();
    known.set(costs.ofForm, ofCosts);
    const key = `${costs.ofCodeByte}: ${offered.map(({ length }) => length)}`;
    const choice = ofCosts.get(key) ?? planForms(graph, layers, pickForms(offered, plainForms, costs));
    ofCosts.set(key, choice);
    return choice;
  };
}

/** Opcodes, and what a byte of weights has to save of them. */
const opcodesAnd =
  (ofWeightByte: number): Costs["ofForm"] =>
  (form) =>
    form.cost.opcodes + (ofWeightByte > 0 ? ofWeightByte * weightBytes(form) : 0);

/** The kernel as it stands in assembly/: the reference form, or the dearest one without a generated kernel. */
export function plainForm({ forms }: Pick<BoundLayer, "forms">): BoundForm {
  const written = forms.filter(({ generated }) => generated === null);
  return (forms.find(({ name }) => name.endsWith("_plain")) ?? written.at(-1) ?? forms.at(-1)) as BoundForm;
}

/**
 * Bytes of the module, as if plain kernels had no code, and as if theirs were more than they save: what they share and
 * bring with them nobody counts before there is a module.
 */
function moduleCosts(layers: readonly BoundLayer[]): Costs[] {
  const replaceable = new Set(
    layers.flatMap(({ forms }) => (forms.some(({ generated }) => generated) ? forms.filter(isFree) : [])),
  );
  const dear = 2 ** 32;
  return [
    { ofForm: weightBytes, ofCodeByte: 1 },
    { ofForm: (form) => weightBytes(form) + (replaceable.has(form) ? dear : 0), ofCodeByte: 1 },
  ];
}

const isFree = ({ generated }: BoundForm): boolean => generated === null;

/** Choices without those that take the same forms as one before them. */
function different(choices: readonly [Choice, ...Choice[]]): [Choice, ...Choice[]] {
  const byForms = new Map(choices.map((choice) => [choice.forms.map(({ name }) => name).join(), choice]));
  return [...byForms.values()] as [Choice, ...Choice[]];
}

/** They are packed to be counted, so once. */
const packed = new WeakMap<BoundForm, number>();

function weightBytes(form: BoundForm): number {
  const known = packed.get(form) ?? form.weights().reduce((sum, { length }) => sum + length, 0);
  packed.set(form, known);
  return known;
}

/** The linear memory that `balanced` may take: TensorFlow Lite Micro's arena and a step, in whole steps. */
function arenaLimit(graph: Graph, plain: Choice): number {
  const bytes = estimateArena(graph.operators, plain.storage) + memoryStep;
  return Math.max(memoryOf(plain), Math.floor(bytes / memoryStep) * memoryStep);
}

/** Linear memory. */
function memoryOf({ plan }: Choice): number {
  return Math.max(memoryStep, Math.ceil(plan.bytes / memoryStep) * memoryStep);
}

function opcodesOf({ forms }: Choice): number {
  return forms.reduce((sum, { cost }) => sum + cost.opcodes, 0);
}

/** RAM that a form asks for beside the tensors. */
export function scratchBytes({ scratch }: BoundForm): number {
  return scratch.reduce((sum, { bytes }) => sum + Math.ceil(bytes / alignment) * alignment, 0);
}

/** Bytes that need no place of their own, because the form puts its output over an input that ends here. */
function spared({ buffers, ofTensor }: Storage, { inPlace, overlay }: BoundForm, layer: number): number {
  for (const tensor of inPlace ?? []) {
    const buffer = buffers[ofTensor.get(tensor.index) ?? -1];
    if (buffer?.last === layer) return Math.ceil(buffer.bytes / alignment) * alignment;
  }
  const over = buffers[ofTensor.get(overlay?.input.index ?? -1) ?? -1];
  const output = buffers.find(
    ({ first, kind }) => first === layer && (kind === "activation" || kind === "output"),
  );
  if (overlay && output && over?.last === layer && over.first >= layer - 1)
    return over.bytes + output.bytes - Math.max(overlay.distance + over.bytes, output.bytes);
  return 0;
}

/** Bytes alive while each layer runs, the form's own scratch left out. */
function aliveWithoutScratch({ buffers, ofScratch }: Storage, layers: number): number[] {
  return Array.from({ length: layers }, (_, layer) => {
    const own = new Set(ofScratch[layer]);
    return buffers.reduce((sum, { first, last, bytes }, index) => {
      const counts = first <= layer && layer <= last && !own.has(index);
      return counts ? sum + Math.ceil(bytes / alignment) * alignment : sum;
    }, 0);
  });
}
