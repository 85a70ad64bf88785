/**
 * The forms that cost least together: what each costs its layer, and once for every generated kernel the price of its code.
 * This is facility location (kernels are opened, layers are served), which is hard; so by steps: open the kernel that
 * helps most, close those that it makes superfluous, until nothing helps; then the same without the kernels that just
 * those layers share which share one now. Every step lowers the sum, so it ends.
 *
 * Tried and rejected: layer by layer, the largest first. It takes a kernel for one layer's sake that would be too dear,
 * and leaves one that four layers could share.
 */
import type { BoundForm } from "./layer.js";

/** A form in a layer. */
interface Use {
  readonly layer: number;
  readonly form: BoundForm;
  readonly cost: number;
}

/** A generated kernel: what it adds, and the form with which each layer would use it. */
interface Kernel {
  readonly name: string;
  readonly price: number;
  readonly uses: readonly Use[];
}

/** What forms cost, in any one unit. */
export interface Costs {
  /** Of a layer that takes this form. */
  ofForm(form: BoundForm): number;
  /** Of each byte of a generated kernel. */
  readonly ofCodeByte: number;
}

/**
 * @param offered forms that each layer may take beside its own of `plain`
 * @param plain forms without a generated kernel, or those that cannot be done without
 */
export function pickForms(
  offered: readonly (readonly BoundForm[])[],
  plain: readonly BoundForm[],
  { ofForm, ofCodeByte }: Costs,
): BoundForm[] {
  const use = (form: BoundForm, layer: number): Use => ({ layer, form, cost: ofForm(form) });
  const base = plain.map((form, layer) =>
    cheapest(use(form, layer), (offered[layer] ?? []).filter(isFree), use),
  );
  // Where code costs nothing, no layer asks what another has.
  if (ofCodeByte === 0) return base.map((own, layer) => cheapest(own, offered[layer] ?? [], use).form);
  const kernels = undominated(kernelsOf(offered, use, ofCodeByte));
  let best = descend(kernels, base);
  // What serves several layers early may keep out what each of them would rather have: so without its like, too.
  for (let next: Pick | null = best; next !== null; ) {
    const shared = new Set(next.opened.filter(({ uses }) => uses.length > 1).map(layersOf));
    next = null;
    for (const layers of shared) {
      const without = descend(
        kernels.filter((kernel) => layersOf(kernel) !== layers),
        base,
      );
      if (without.sum < best.sum) best = next = without;
    }
  }
  return best.chosen.map(({ form }) => form);
}

interface Pick {
  readonly opened: readonly Kernel[];
  /** By layer. */
  readonly chosen: readonly Use[];
  readonly sum: number;
}

/** Step by step from no kernel at all. */
function descend(kernels: readonly Kernel[], base: readonly Use[]): Pick {
  let now: Pick = { opened: [], chosen: base, sum: total(base, []) };
  for (;;) {
    let best = now;
    // One that does not pay by itself may still take another's place.
    const replaced = now.opened.reduce((most, { price }) => Math.max(most, price), 0);
    for (const kernel of kernels) {
      if (now.opened.includes(kernel) || kernel.price >= saving(kernel, now.chosen) + replaced) continue;
      const next = withoutIdle([...now.opened, kernel], base);
      if (next.sum < best.sum) best = next;
    }
    if (best === now) return now;
    now = best;
  }
}

function cheapest(own: Use, others: readonly BoundForm[], use: (form: BoundForm, layer: number) => Use): Use {
  return others
    .map((form) => use(form, own.layer))
    .reduce((best, one) => (one.cost < best.cost ? one : best), own);
}

const isFree = ({ generated }: BoundForm): boolean => generated === null;

function kernelsOf(
  offered: readonly (readonly BoundForm[])[],
  use: (form: BoundForm, layer: number) => Use,
  ofCodeByte: number,
): Kernel[] {
  const byName = new Map<string, { price: number; uses: Use[] }>();
  for (const [layer, forms] of offered.entries()) {
    for (const form of forms) {
      if (form.generated === null) continue;
      const kernel = byName.get(form.generated) ?? { price: form.codeBytes * ofCodeByte, uses: [] };
      byName.set(form.generated, kernel);
      const before = kernel.uses.at(-1);
      const own = use(form, layer);
      if (before?.layer !== layer) kernel.uses.push(own);
      else if (own.cost < before.cost) kernel.uses[kernel.uses.length - 1] = own;
    }
  }
  return [...byName].map(([name, kernel]) => ({ name, ...kernel }));
}

const layersOf = ({ uses }: Kernel): string => uses.map(({ layer }) => layer).join(" ");

/**
 * Without those that another kernel for the same layers betters in all: most are made for one layer's shape, and only few
 * of these are neither larger nor slower than another.
 */
function undominated(kernels: readonly Kernel[]): Kernel[] {
  const byLayers = new Map<string, Kernel[]>();
  for (const kernel of [...kernels].sort((a, b) => a.price - b.price)) {
    const layers = layersOf(kernel);
    const kept = byLayers.get(layers) ?? [];
    byLayers.set(layers, kept);
    const isBettered = kept.some(({ uses }) =>
      uses.every(({ cost }, index) => cost <= (kernel.uses[index]?.cost ?? 0)),
    );
    if (!isBettered) kept.push(kernel);
  }
  return [...byLayers.values()].flat();
}

/** What a kernel would save over what layers have now, its own price apart. */
function saving({ uses }: Kernel, chosen: readonly Use[]): number {
  return uses.reduce((sum, { layer, cost }) => sum + Math.max(0, (chosen[layer]?.cost ?? 0) - cost), 0);
}

/** Every layer's cheapest form of the open kernels. */
function serve(opened: readonly Kernel[], base: readonly Use[]): Use[] {
  const chosen = [...base];
  for (const { uses } of opened) {
    for (const use of uses) if (use.cost < (chosen[use.layer]?.cost ?? 0)) chosen[use.layer] = use;
  }
  return chosen;
}

function total(chosen: readonly Use[], opened: readonly Kernel[]): number {
  const costs = chosen.reduce((sum, { cost }) => sum + cost, 0);
  return opened.reduce((sum, { price }) => sum + price, costs);
}

/** Closes the kernels whose layers are served as well by others. */
function withoutIdle(opened: readonly Kernel[], base: readonly Use[]): Pick {
  const served = serve(opened, base);
  let best: Pick = { opened, chosen: served, sum: total(served, opened) };
  for (const kernel of opened) {
    const fewer = best.opened.filter((other) => other !== kernel);
    const chosen = serve(fewer, base);
    const sum = total(chosen, fewer);
    if (sum <= best.sum) best = { opened: fewer, chosen, sum };
  }
  return best;
}
